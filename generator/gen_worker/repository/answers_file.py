"""What a repository remembers of how it was made: its answers file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gen_worker.errors import NotAWorkerError, RepositoryError
from gen_worker.repository.git import git
from gen_worker.template.definition import has_aliases, parse_yaml
from gen_worker.template.questionnaire import NAME_QUESTION, PRESET_QUESTION

ANSWERS_FILE = ".copier-answers.yml"
_LARGEST = 64_000  # characters; ours have about 1,000


@dataclass(frozen=True)
class Recorded:
    """The content of an answers file.

    Attributes:
        answers: Answers by question.
        commit: The template's revision that was rendered last; None when it was unknown.
        url: Where that revision is to be found; None when unknown.
    """

    answers: Mapping[str, Any]
    commit: str | None
    url: str | None

    @property
    def name(self) -> str:
        """The worker's type."""
        return str(self.answers[NAME_QUESTION])


def is_worker(folder: Path) -> bool:
    """Return whether a folder looks like a repository of this generator, at little cost."""
    try:
        with (folder / ANSWERS_FILE).open(errors="replace") as opened:
            text = opened.read(_LARGEST)
    except OSError:
        return False
    return f"\n{NAME_QUESTION}:" in f"\n{text}" and f"\n{PRESET_QUESTION}:" in text


def read_folder(folder: Path) -> Recorded:
    """Read the answers file that lies in a folder.

    Raises:
        NotAWorkerError: There is no answers file of this generator.
    """
    try:
        with (folder / ANSWERS_FILE).open(encoding="utf-8") as opened:
            return read_text(opened.read(_LARGEST + 1), folder)
    except (OSError, UnicodeDecodeError) as error:
        raise _not_a_worker(folder, f"{ANSWERS_FILE} cannot be read") from error


def read_commit(folder: Path, revision: str = "HEAD") -> Recorded:
    """Read the answers file as it was committed.

    Raises:
        NotAWorkerError: The commit has no answers file of this generator.
    """
    try:
        text = git(folder, "cat-file", "blob", f"{revision}:./{ANSWERS_FILE}")
    except RepositoryError as error:
        raise _not_a_worker(folder, f"{revision} has no {ANSWERS_FILE}") from error
    return read_text(text, folder)


def read_text(text: str, folder: Path) -> Recorded:
    """Read an answers file.

    Raises:
        NotAWorkerError: It is malformed or belongs to another template.
    """
    if len(text) > _LARGEST:
        raise _not_a_worker(folder, f"{ANSWERS_FILE} has more than {_LARGEST} characters")
    try:
        if has_aliases(text):  # few lines with them stand for endless data
            raise _not_a_worker(folder, f"{ANSWERS_FILE} uses YAML aliases")
        data = parse_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2026-13-45, [[[[...
        raise _not_a_worker(folder, f"{ANSWERS_FILE} is not valid YAML") from error
    if not isinstance(data, dict) or NAME_QUESTION not in data or PRESET_QUESTION not in data:
        raise _not_a_worker(folder, f"{ANSWERS_FILE} belongs to another template")
    answers = {str(key): value for key, value in data.items() if not str(key).startswith("_")}
    commit, url = data.get("_commit"), data.get("_src_path")
    return Recorded(answers, str(commit) if commit else None, str(url) if url else None)


def _not_a_worker(folder: Path, reason: str) -> NotAWorkerError:
    return NotAWorkerError(f"{folder} was not made by gen-worker: {reason}.")
