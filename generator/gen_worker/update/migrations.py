"""Steps that an update needs beside the merge, each a named function that may run twice.

A merge carries every change of the template's files. A migration is for the rest: an answer that
got another name, or files of the owner that must follow. Write one as a function here, say in its
docstring what it does and why, and decorate it with the version that needs it, for example
`@answers_migration("0.4.0")`.

Rules: running it twice changes nothing more; it touches only what its docstring names; a
repository that plain `copier update` brought to the same version works without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen_worker.versions.order import is_between

AnswersStep = Callable[[MutableMapping[str, Any]], None]
FilesStep = Callable[[Path, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Migration:
    """One step.

    Attributes:
        name: The function's name.
        version: The release that needs it, without `v`.
        purpose: The first line of its docstring.
        answers: Changes the recorded answers, before anything is rendered.
        files: Changes the owner's files, after the merge; is given the repository's folder and
            all answers, computed ones too.
    """

    name: str
    version: str
    purpose: str
    answers: AnswersStep | None = None
    files: FilesStep | None = None


MIGRATIONS: list[Migration] = []


def answers_migration(version: str) -> Callable[[AnswersStep], AnswersStep]:
    """Register a function that changes recorded answers.

    Args:
        version: The release that needs it.
    """

    def register(step: AnswersStep) -> AnswersStep:
        MIGRATIONS.append(Migration(_name(step), version, _purpose(step), answers=step))
        return step

    return register


def files_migration(version: str) -> Callable[[FilesStep], FilesStep]:
    """Register a function that changes an owner's files.

    Args:
        version: The release that needs it.
    """

    def register(step: FilesStep) -> FilesStep:
        MIGRATIONS.append(Migration(_name(step), version, _purpose(step), files=step))
        return step

    return register


def between(older: str | None, newer: str | None) -> list[Migration]:
    """List the steps between two versions of the template, in their order.

    Returns:
        The steps; all up to `newer` when `older` has no order, which is why each may run twice.
    """
    return [step for step in MIGRATIONS if is_between(step.version, older, newer)]


def by_name(names: Iterable[str]) -> list[Migration]:
    """Find steps that an earlier run left for later."""
    wanted = set(names)
    return [step for step in MIGRATIONS if step.name in wanted]


def _name(step: Callable[..., None]) -> str:
    return step.__name__


def _purpose(step: Callable[..., None]) -> str:
    """Return the docstring's first line, which every step must have."""
    lines = (step.__doc__ or "").strip().splitlines()
    if not lines:
        raise ValueError(f"The migration {step.__name__} needs a docstring.")
    return lines[0]
