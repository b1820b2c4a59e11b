"""Render the template in memory: every file of the new repository, nothing on disk.

Folders that hold nothing are left out: git would not keep them either.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from gen_worker.errors import TemplateError
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Answers
from gen_worker.template.definition import Template

# A pattern of `_exclude` without special characters: a name, or a path from the top.
_LITERAL = re.compile(r"/?\.?[\w-][\w.-]*(/\.?[\w-][\w.-]*)*", re.ASCII)


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
    origins: dict[tuple[str, ...], str] = {}
    for entry, parts in _walk(str(template.files_root), template.suffix):
        target = _target(parts, template, renderer, context)
        if target is None or excluded(target):
            continue
        source = "/".join(parts)
        if target in origins:
            shown = "/".join(target)
            raise TemplateError(f"The template writes {shown} twice: {source}, {origins[target]}.")
        origins[target] = source
        rendered.append(_file(entry, PurePosixPath(*target), template, renderer, context))
    renderer.keep_compiled()
    return rendered


def _file(
    entry: os.DirEntry[str],
    path: PurePosixPath,
    template: Template,
    renderer: Renderer,
    context: Mapping[str, Any],
) -> File:
    """Render or copy one file; of its mode only the executable bit counts, as in git."""
    if entry.name.endswith(template.suffix):
        inside = PurePosixPath(Path(entry.path).relative_to(template.root).as_posix())
        content = renderer.file(inside, context)
    else:
        content = Path(entry.path).read_bytes()
    return File(path, content, executable=bool(entry.stat().st_mode & 0o111))


def _target(
    source: tuple[str, ...], template: Template, renderer: Renderer, context: Mapping[str, Any]
) -> tuple[str, ...] | None:
    """Render the parts of a path, None when one renders to nothing."""
    rendered = [renderer.text(part, context) for part in source]
    if not all(rendered):
        return None
    rendered[-1] = rendered[-1].removesuffix(template.suffix)
    path = PurePosixPath(*rendered)
    if path.is_absolute() or ".." in path.parts or ".git" in map(str.lower, path.parts):
        raise TemplateError(
            f"The template's {'/'.join(source)} would leave the new repository or change its git"
            " settings."
        )
    return path.parts


def _excludes(
    template: Template, renderer: Renderer, context: Mapping[str, Any]
) -> Callable[[tuple[str, ...]], bool]:
    """Compile `_exclude`; a pattern may render to several lines or to none."""
    # All at once: compiling one string takes a fraction of compiling sixty.
    text = renderer.text("\n".join(template.settings.get("exclude", ())), context)
    patterns = [normalize("NFD", line) for line in text.splitlines() if line]
    if all(map(_LITERAL.fullmatch, patterns)):
        return _literal_excludes(patterns)
    from pathspec import PathSpec  # noqa: PLC0415 - slow, and the project's own template needs none

    try:
        spec = PathSpec.from_lines("gitignore", patterns)
    except ValueError as error:
        raise TemplateError(f"_exclude in copier.yml is malformed: {error}") from error
    return lambda path: spec.match_file("/".join(path))


def _literal_excludes(patterns: Iterable[str]) -> Callable[[tuple[str, ...]], bool]:
    """Match what patterns without special characters mean: names anywhere, or paths from the top."""
    names, paths = set(), set()
    for pattern in patterns:
        if "/" in pattern:
            paths.add(pattern.removeprefix("/"))
        else:
            names.add(pattern)

    def excluded(path: tuple[str, ...]) -> bool:
        return not names.isdisjoint(path) or not paths.isdisjoint(accumulate(path, "{}/{}".format))

    return excluded


def _walk(
    folder: str, suffix: str, inside: tuple[str, ...] = ()
) -> Iterator[tuple[os.DirEntry[str], tuple[str, ...]]]:
    """Yield every file below a folder and its path's parts, in a stable order.

    A file that a sibling with the suffix replaces is left out.
    """
    entries = sorted(os.scandir(folder), key=lambda found: found.name)
    names = {entry.name for entry in entries}
    for entry in entries:
        if entry.is_symlink():  # it could read the user's files
            raise TemplateError(f"The template holds a link: {entry.name}.")
        if entry.is_dir():
            yield from _walk(entry.path, suffix, (*inside, entry.name))
        elif f"{entry.name}{suffix}" not in names:
            yield entry, (*inside, entry.name)
