"""Render the template in memory: every file of the new repository, nothing on disk.

Folders that hold nothing are left out: git would not keep them either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from pathspec import PathSpec

from gen_worker.errors import TemplateError
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Answers
from gen_worker.template.definition import Template


@dataclass(frozen=True)
class File:
    """A file of the new repository."""

    path: PurePosixPath
    content: bytes
    executable: bool


def render(
    template: Template, renderer: Renderer, answers: Answers, origin: Mapping[str, str]
) -> list[File]:
    """Render the whole repository.

    Args:
        template: The template.
        renderer: Its Jinja environment.
        answers: The complete answers.
        origin: The answers file's entries that say where the template comes from.

    Returns:
        The files, in a stable order.

    Raises:
        TemplateError: A file or path of the template cannot be rendered.
    """
    context = {
        **answers.values,
        "_copier_answers": {**origin, **answers.remembered},
        "_copier_conf": {"answers_file": template.answers_file},
        "_copier_operation": "copy",
    }
    excluded = _excludes(template, renderer, context)
    if not template.files_root.is_dir():
        raise TemplateError("copier.yml names a subdirectory that does not exist.")
    rendered: list[File] = []
    origins: dict[PurePosixPath, PurePosixPath] = {}
    for entry in _walk(template.files_root):
        relative = PurePosixPath(Path(entry.path).relative_to(template.files_root).as_posix())
        path = _target_path(relative, template, renderer, context)
        if path is not None and not excluded(path):
            if path in origins:
                raise TemplateError(f"The template writes {path} twice: {relative}, {origins[path]}.")
            origins[path] = relative
            rendered.append(_file(entry, path, template, renderer, context))
    return rendered


def _file(
    entry: os.DirEntry[str],
    path: PurePosixPath,
    template: Template,
    renderer: Renderer,
    context: Mapping[str, Any],
) -> File:
    """Render or copy one file; of its mode only the executable bit counts, as in git."""
    source = Path(entry.path)
    if entry.name.endswith(template.suffix):
        inside = PurePosixPath(source.relative_to(template.root).as_posix())
        content = renderer.file(inside, context)
    else:
        content = source.read_bytes()
    return File(path, content, executable=bool(entry.stat().st_mode & 0o111))


def _target_path(
    relative: PurePosixPath, template: Template, renderer: Renderer, context: Mapping[str, Any]
) -> PurePosixPath | None:
    """Render a path, None when a part renders to nothing or a `.jinja` sibling replaces it."""
    if (template.files_root / f"{relative}{template.suffix}").exists():
        return None
    parts = []
    for part in relative.parts:
        name = renderer.text(part, context)
        if not name:
            return None
        parts.append(name)
    parts[-1] = parts[-1].removesuffix(template.suffix)
    path = PurePosixPath(*parts)
    if path.is_absolute() or ".." in path.parts or ".git" in map(str.lower, path.parts):
        raise TemplateError(
            f"The template's {relative} would leave the new repository or change its git settings."
        )
    return path


def _excludes(
    template: Template, renderer: Renderer, context: Mapping[str, Any]
) -> Callable[[PurePosixPath], bool]:
    """Compile `_exclude`; a pattern may render to several lines or to none."""
    # All at once: compiling one string takes a fraction of compiling sixty.
    text = renderer.text("\n".join(template.settings.get("exclude", ())), context)
    patterns = [normalize("NFD", line) for line in text.splitlines()]
    try:
        spec = PathSpec.from_lines("gitignore", patterns)
    except ValueError as error:
        raise TemplateError(f"_exclude in copier.yml is malformed: {error}") from error
    return lambda path: spec.match_file(str(path))


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield every file below a folder, in a stable order."""
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        if entry.is_symlink():  # it could read the user's files
            raise TemplateError(f"The template holds a link: {entry.name}.")
        if entry.is_dir():
            yield from _walk(Path(entry.path))
        else:
            yield entry
