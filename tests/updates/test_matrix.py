"""What both ways of updating make of the edits that owners make, as a table in the documents."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import git
from lab import Lab, lines
from plain_copier import copier
from rendering import PROJECT

PAGE = PROJECT / "docs" / "explanation" / "updates.md"
BEGIN, END = "<!-- matrix: made by tests/updates/test_matrix.py -->", "<!-- end of the matrix -->"
KIT = "src/worker_payment/kit"
MERGED, MARKED = "merged", "conflict, marked"
NAMED, LOST = "named; nothing is changed without `--overwrite`", "**lost without a word**"
STAYS, KEPT = "stays deleted", "kept, without the template's change"


@dataclass(frozen=True)
class Case:
    """One edit of an owner's, meeting one change of the template's.

    Attributes:
        words: What both do, for the table.
        path: The file.
        edit: Changes the worker; gets the file.
        change: Changes the template; gets the file.
    """

    words: str
    path: str
    edit: Callable[[Path], None]
    change: Callable[[Path], None]


def mine(line: int) -> Callable[[Path], None]:
    """Edit a line as the owner does."""
    return lambda file: _line(file, line, f"edit of {file.stem}")


def theirs(line: int) -> Callable[[Path], None]:
    """Change a line as the template does."""
    return lambda file: _line(file, line, f"template of {file.stem}")


def _line(file: Path, number: int, text: str) -> None:
    found = file.read_text().splitlines()
    found[number] = text
    file.write_text("\n".join(found) + "\n")


def _renamed(file: Path) -> None:
    file.rename(file.with_name(f"new-{file.name}"))


def _moved(file: Path) -> None:
    _line(file, 2, f"edit of {file.stem}")
    target = file.parent / "mine" / file.name
    target.parent.mkdir(exist_ok=True)
    file.rename(target)


def _own(file: Path) -> None:
    file.write_text(f"edit of {file.stem}\n")


def _new(file: Path) -> None:
    file.write_text(f"template of {file.stem}\n")


CASES = [
    Case("edits a file; the template changes other lines", "other.md", mine(2), theirs(9)),
    Case("edits a file; the template changes the same line", "same.md", mine(2), theirs(2)),
    Case("edits a file; the template renames it", "rename.md", mine(2), _renamed),
    Case("edits a file; the template deletes it", "delete.md", mine(2), Path.unlink),
    Case("deletes a file; the template changes it", "gone.md", Path.unlink, theirs(9)),
    Case("moves and edits a file; the template changes it", "moved.md", _moved, theirs(9)),
    Case("moves and edits a file; the template renames it", "both.md", _moved, _renamed),
    Case("adds a file; the template adds one of that name", "added.md", _own, _new),
    Case("has a file that git ignores; the template adds it", "ignored.local", _own, _new),
    Case("edits a file that a global ignore hides", "hidden.env", mine(2), theirs(9)),
    Case("edits `kit/`; the template changes the same file", f"{KIT}/kit.py", mine(2), theirs(9)),
]
OWN = {"added.md", "ignored.local"}


@pytest.fixture
def lab_of_cases(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A template with one file for each case, and git's global ignore of `*.env`."""
    ignores = tmp_path / "ignores"
    ignores.write_text("*.env\n*.local\n")
    for name, value in (("COUNT", "1"), ("KEY_0", "core.excludesFile"), ("VALUE_0", str(ignores))):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    files = {_template(case): lines(case.path, 12) for case in CASES if case.path not in OWN}
    for name, content in files.items():
        (lab.template / name).parent.mkdir(parents=True, exist_ok=True)
        (lab.template / name).write_text(content)
    git(lab.template, "add", "--all", "--force")
    lab.release("v0.1.1")
    return lab


def _template(case: Case) -> str:
    return f"template/{case.path.replace('worker_payment', '{{ package_name }}')}"


def _worker(lab: Lab, folder: Path) -> Path:
    folder.mkdir()
    worker = lab.worker(folder=folder)
    for case in CASES:
        case.edit(worker / case.path)
    git(worker, "add", "--all")
    git(worker, "commit", "--quiet", "--message", "My edits")
    return worker


def test_the_table_in_the_documents_is_true(lab_of_cases: Lab, tmp_path: Path) -> None:
    """WRITE_TABLES=1 writes it anew."""
    lab = lab_of_cases
    ours, copiers = _worker(lab, tmp_path / "ours"), _worker(lab, tmp_path / "copier")
    for case in CASES:
        case.change(lab.template / _template(case))
    git(lab.template, "add", "--all", "--force")
    lab.release("v0.2.0")
    planned = json.loads(lab.update(ours, "--dry-run", "--json").stdout)
    assert lab.update(ours).exit_code == 1, "losses stop it"
    assert lab.update(ours, "--overwrite").exit_code == 3
    copier("update", cwd=copiers)
    rows = []
    for case in CASES:
        found = NAMED if case.path in planned["would_lose"] else _outcome(ours, case)
        rows.append(f"| {case.words} | {found} | {_outcome(copiers, case)} |")
    head = ["| the owner | `gen-worker update` | `copier update` |", "| --- | --- | --- |"]
    table = "\n".join([BEGIN, *head, *rows, END])
    text = PAGE.read_text()
    start, end = text.index(BEGIN), text.index(END) + len(END)
    if os.environ.get("WRITE_TABLES"):
        PAGE.write_text(text[:start] + table + text[end:])
    else:
        assert text[start:end] == table
    assert not [row for row in rows if LOST in row.split("|")[2]], "gen-worker loses nothing"


def _outcome(worker: Path, case: Case) -> str:
    """Look for both texts in the whole working tree."""
    name = Path(case.path).stem
    files = [path for path in worker.rglob("*") if path.is_file() and ".git" not in path.parts]
    edits = {file: file.read_bytes() for file in files}
    edits = {file: text for file, text in edits.items() if f"edit of {name}\n".encode() in text}
    if case.path == "gone.md":
        return STAYS if not (worker / case.path).exists() else MARKED
    if not edits:
        return LOST
    if any(b"<<<<<<< " in text for text in edits.values()):
        return MARKED
    if case.change is _renamed:
        return MERGED if any(file.name.startswith("new-") for file in edits) else KEPT
    changed = any(f"template of {name}\n".encode() in text for text in edits.values())
    return MERGED if changed else KEPT
