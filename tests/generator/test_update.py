"""A repository made by gen-worker takes over a later version of the template."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import commit_all, git
from plain_copier import copier
from rendering import PROJECT

NOTES = "Made by the template.\n\nline 3\nline 4\nline 5\nline 6\n\nYour own part:\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project as a checkout of its own, with one more template file, tagged v0.1.0."""
    root = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("template", "partials", "generator"):
        if (PROJECT / part).exists():
            shutil.copytree(PROJECT / part, root / part, ignore=ignore)
    shutil.copy(PROJECT / "copier.yml", root)
    (root / "template" / "NOTES.md.jinja").write_text(NOTES)
    commit_all(root, "v0.1.0")
    return root


def generate(checkout: Path, folder: Path) -> dict[str, object]:
    """Run the checkout's own gen-worker, as its user would."""
    done = subprocess.run(
        [sys.executable, "-m", "gen_worker", "payment", "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(checkout / "generator")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    made: dict[str, object] = json.loads(done.stdout)
    return made


def test_an_update_brings_the_change_and_keeps_the_edit(checkout: Path, tmp_path: Path) -> None:
    """Two tagged versions, plain `copier update`, nobody types a URL."""
    made = generate(checkout, tmp_path)
    assert made["template"] == {"source": str(checkout), "commit": "v0.1.0", "updates": True}
    worker = tmp_path / "worker-payment"
    (worker / "NOTES.md").write_text(NOTES + "Mine.\n")
    (worker / "src" / "worker_payment" / "mine.py").write_text("MINE = True\n")
    git(worker, "add", "--all")
    git(worker, "commit", "--quiet", "--message", "My work")

    updated = NOTES.replace("Made", "Made and updated")
    (checkout / "template" / "NOTES.md.jinja").write_text(updated)
    (checkout / "template" / "NEW.md.jinja").write_text("New in {{ project_name }}\n")
    commit_all(checkout, "v0.2.0")
    copier("update", cwd=worker)

    assert (worker / "NOTES.md").read_text() == f"{updated}Mine.\n"
    assert (worker / "NEW.md").read_text() == "New in worker-payment\n"
    assert (worker / "src" / "worker_payment" / "mine.py").exists()
    assert "_commit: v0.2.0" in (worker / ".copier-answers.yml").read_text()
    changed = {line.split()[-1] for line in git(worker, "status", "--porcelain").splitlines()}
    assert changed == {".copier-answers.yml", "NEW.md", "NOTES.md"}
