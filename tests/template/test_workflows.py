"""Workflows, this project's and the generated repository's, by actionlint and zizmor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rendering import PROJECT, render

TOOLS = Path(sys.executable).parent


@pytest.fixture(params=["project", "generated"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository that has workflows."""
    return PROJECT if request.param == "project" else render(tmp_path)


def judge(repository: Path, *command: str) -> None:
    """Run a tool of the environment in a repository and demand success."""
    done = subprocess.run(
        [str(TOOLS / command[0]), *command[1:]],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint(repository: Path) -> None:
    """They are what GitHub understands."""
    workflows = sorted(map(str, (repository / ".github" / "workflows").glob("*.yml")))
    assert workflows
    judge(repository, "actionlint", *workflows)


def test_zizmor(repository: Path) -> None:
    """They give away no token and trust no stranger's code."""
    judge(repository, "zizmor", "--offline", "--no-progress", ".github")
