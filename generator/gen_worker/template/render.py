"""Render the template in memory: every file of the new repository, nothing on disk.

Folders that hold nothing are left out: git would not keep them either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from pathlib import PurePosixPath
from posixpath import join
from typing import Any, NamedTuple
from unicodedata import normalize

from gen_worker.errors import TemplateError
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Answers
from gen_worker.template.definition import Template
from gen_worker.template.sources import Source

# A pattern of `_exclude` without special characters: a name, or a path from the top.
_LITERAL = re.compile(r"/?\.?[\w-][\w.-]*(/\.?[\w-][\w.-]*)*", re.ASCII)


class File(NamedTuple):
    """A file of the new repository.

    Attributes:
        path: Where it lies below the repository's folder, with slashes.
        content: Its bytes.
        executable: Its one mode bit that counts, as in git.
    """

    path: str
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
    names = _Names(template, renderer, context)
    rendered: list[File] = []
    origins: dict[str, Source] = {}
    for source in template.sources:
        target = names.target(source)
        if target is None or excluded(target):
            continue
        if target in origins:
            raise TemplateError(f"The template writes {target} twice: {source}, {origins[target]}.")
        origins[target] = source
        if source.is_template:
            content = renderer.file(join(template.subdirectory, str(source)), context)
        else:
            content = source.content
        rendered.append(File(target, content, source.executable))
    renderer.keep_compiled()
    return rendered


class _Names:
    """Renders paths; a folder's once for all of its files."""

    def __init__(self, template: Template, renderer: Renderer, context: Mapping[str, Any]) -> None:
        self._suffix = template.suffix
        self._render = partial(renderer.text, context=context)
        self._folders: dict[tuple[str, ...], str | None] = {(): ""}

    def target(self, source: Source) -> str | None:
        """Render the path of a file, None when a part renders to nothing."""
        *folders, last = source.parts
        folder = self._folder(tuple(folders), source)
        if folder is None:
            return None
        name = _path(self._render(last).removesuffix(self._suffix), source)
        return f"{folder}{name}" if name else None

    def _folder(self, parts: tuple[str, ...], source: Source) -> str | None:
        """Render the path of a folder, with a slash at its end."""
        if parts not in self._folders:
            above = self._folder(parts[:-1], source)
            name = above is not None and _path(self._render(parts[-1]), source)
            self._folders[parts] = f"{above}{name}/" if name else None
        return self._folders[parts]


def _path(rendered: str, source: Source) -> str:
    """Tidy what a part of a path was rendered to; refuse what leads elsewhere."""
    parts = PurePosixPath(rendered).parts if "/" in rendered else (rendered,)
    if rendered.startswith("/") or ".." in parts or ".git" in map(str.lower, parts):
        raise TemplateError(
            f"The template's {source} would leave the new repository or change its git settings."
        )
    return "/".join(parts)


def _excludes(
    template: Template, renderer: Renderer, context: Mapping[str, Any]
) -> Callable[[str], bool]:
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
    return spec.match_file


def _literal_excludes(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Match what patterns without special characters mean: names anywhere, or paths from the top."""
    names, paths = set(), set()
    for pattern in patterns:
        if "/" in pattern:
            paths.add(pattern.removeprefix("/"))
        else:
            names.add(pattern)

    @cache
    def excluded(path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return name in names or path in paths or (bool(folder) and excluded(folder))

    return excluded
