"""Render the template in memory: every file of the new repository, nothing on disk.

Folders that hold nothing are left out: git would not keep them either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any
from unicodedata import normalize

from gen_worker.errors import TemplateError
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Answers
from gen_worker.template.definition import Template
from gen_worker.template.sources import Source

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
    names = _Names(template, renderer, context)
    rendered: list[File] = []
    origins: dict[tuple[str, ...], Source] = {}
    for source in template.sources:
        target = names.target(source)
        if target is None or excluded(target):
            continue
        if target in origins:
            shown = "/".join(target)
            raise TemplateError(f"The template writes {shown} twice: {source}, {origins[target]}.")
        origins[target] = source
        if source.is_template:
            inside = PurePosixPath(template.subdirectory, *source.parts)
            content = renderer.file(inside, context)
        else:
            content = source.content
        rendered.append(File(PurePosixPath(*target), content, source.executable))
    renderer.keep_compiled()
    return rendered


class _Names:
    """Renders the parts of paths, those of folders once: most files share them."""

    def __init__(self, template: Template, renderer: Renderer, context: Mapping[str, Any]) -> None:
        self._suffix = template.suffix
        self._render = partial(renderer.text, context=context)
        self._folders: dict[str, tuple[str, ...]] = {}

    def target(self, source: Source) -> tuple[str, ...] | None:
        """Render the path of a file, None when a part renders to nothing."""
        found: tuple[str, ...] = ()
        for part in source.parts[:-1]:
            if part not in self._folders:
                self._folders[part] = _parts(self._render(part), source)
            if not self._folders[part]:
                return None
            found += self._folders[part]
        name = self._render(source.parts[-1]).removesuffix(self._suffix)
        return (*found, *_parts(name, source)) if name else None


def _parts(rendered: str, source: Source) -> tuple[str, ...]:
    """Split what a part of a path was rendered to; refuse what leads elsewhere."""
    parts = PurePosixPath(rendered).parts if "/" in rendered else (rendered,) * bool(rendered)
    if rendered.startswith("/") or ".." in parts or ".git" in map(str.lower, parts):
        raise TemplateError(
            f"The template's {source} would leave the new repository or change its git settings."
        )
    return parts


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
