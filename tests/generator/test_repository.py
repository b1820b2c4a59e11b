"""The first commit."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import git
from gen_worker.errors import RepositoryError
from gen_worker.new.first_commit import make_repository


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it was just rendered, with a file that its own .gitignore names."""
    folder = tmp_path / "worker-x"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    (folder / "kept.log").write_text("log\n")
    (folder / ".gitignore").write_text("*.log\n")
    return folder


def test_everything_is_committed_on_main(folder: Path) -> None:
    """One commit, on main, nothing left over."""
    commit = make_repository(folder, "First")
    assert git(folder, "rev-parse", "main") == commit
    assert git(folder, "log", "--format=%an %s") == "Tester First"
    assert git(folder, "ls-files").splitlines() == [".gitignore", "a.txt", "kept.log"]
    assert git(folder, "status", "--porcelain") == ""


def test_a_machine_without_identity_still_commits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A fresh machine knows no name and address; updates need the commit all the same."""
    (tmp_path / "empty").write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "empty"))
    make_repository(folder, "First")
    assert git(folder, "log", "--format=%an <%ae>") == "gen-worker <gen-worker@localhost>"


def test_the_users_hooks_and_signing_stay_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A hook that refuses and a signature that cannot be made do not stop the first commit."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    (tmp_path / "strict").write_text(
        "[user]\n\tname = T\n\temail = t@localhost\n\tsigningKey = none\n"
        f"[commit]\n\tgpgSign = true\n[core]\n\thooksPath = {hooks}\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "strict"))
    assert make_repository(folder, "First")


def test_an_outer_repository_is_not_touched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Run from a git hook, git's own variables would point at the wrong repository."""
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(outer / ".git" / "index"))
    make_repository(folder, "First")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert (folder / ".git" / "HEAD").exists()
    assert not (outer / ".git" / "index").exists()


def test_gits_refusal_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is git's own, the way out is named."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder))  # a folder is no settings file
    with pytest.raises(RepositoryError, match=r"Nothing was written: git init failed: .*--no-git"):
        make_repository(folder, "First")
