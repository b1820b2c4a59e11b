"""What goes wrong around an update: other line endings, failures half way, work meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command import contents, git
from gen_worker.errors import RepositoryError
from gen_worker.update import index
from gen_worker.update import scratch as merge_module
from lab import Lab, commit, replaced


def release_guide(lab: Lab, **more: str) -> None:
    """Release a version that changes a file, and adds others."""
    added = {f"template/{name}": content for name, content in more.items()}
    lab.release("v0.2.0", {**lab.edit("template/GUIDE.md", "line 3", "line three"), **added})


# --- The merge ---------------------------------------------------------------------------------
def test_line_endings_of_the_owner_are_merged_around(lab: Lab) -> None:
    """A file that is committed with CRLF, under attributes that say LF, does not stop git."""
    worker = lab.worker()
    (worker / "GUIDE.md").write_bytes((worker / "GUIDE.md").read_bytes() + b"mine\r\n")
    os.utime(worker / "GUIDE.md", (1, 1))
    git(worker, "commit", "--quiet", "--all", "--message", "CRLF")
    commit(worker, {".gitattributes": "* text eol=lf\n"})
    release_guide(lab)
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr
    assert "line three" in (worker / "GUIDE.md").read_text()


def test_a_merge_that_git_cannot_make_is_no_update(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a conflict may make git exit with an error."""
    worker = lab.worker()
    before = contents(worker)
    release_guide(lab)
    monkeypatch.setattr(merge_module, "_MERGE", ("-c", "merge.conflictStyle=none"))
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "git cherry-pick failed" in done.stderr
    assert contents(worker) == before


def test_longer_conflict_markers_are_seen_by_finish(lab: Lab) -> None:
    """The attribute conflict-marker-size does not hide a conflict."""
    worker = lab.worker()
    commit(worker, {".gitattributes": "*.md conflict-marker-size=32\n"})
    commit(worker, replaced(worker, "GUIDE.md", "guide line 3", "my line"))
    release_guide(lab)
    assert lab.update(worker).exit_code == 3
    assert lab.update(worker, "--finish").exit_code == 3


def test_a_touched_file_is_no_edited_one(lab: Lab) -> None:
    """Another time stamp is no change."""
    worker = lab.worker()
    release_guide(lab)
    git(worker, "status")
    os.utime(worker / "GUIDE.md", (1, 1))
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr


# --- Failures half way -------------------------------------------------------------------------
def fail(*_: object) -> None:
    """Stand for a step that fails."""
    raise RepositoryError("no space is left")


def test_a_failure_half_way_leaves_no_new_files(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where git had not written them into its index; what git ignores comes back."""
    worker = lab.worker()
    commit(worker, {".gitignore": "own.txt\n"})
    (worker / "own.txt").write_text("mine\n")
    before = contents(worker)
    release_guide(lab, **{"deep/er/new.md": "new\n", "own.txt": "theirs\n"})

    def half(*_: object) -> None:
        git(worker, "read-tree", "HEAD")
        fail()

    for step in (fail, half):
        monkeypatch.setattr(index, "mark_conflicts", step)
        assert lab.update(worker, "--overwrite").exit_code == 1
        assert contents(worker) == before
        assert not (worker / "deep").exists()
        assert not list((worker / ".git").glob("gen-worker*"))
        assert git(worker, "status", "--porcelain") == ""
    monkeypatch.undo()
    assert lab.update(worker, "--overwrite").exit_code == 0
    assert (worker / "own.txt").read_text() == "theirs\n"
    assert lab.update(worker, "--abort").exit_code == 0
    assert contents(worker) == before, "what --overwrite replaced is kept until the end"
    lab.update(worker, "--overwrite", "--commit")
    assert (worker / "own.txt").read_text() == "theirs\n"
    assert not list((worker / ".git").glob("gen-worker*"))


@pytest.mark.parametrize("at_once", [True, False])
def test_a_hook_that_refuses_is_heard_to_its_end(lab: Lab, at_once: bool) -> None:  # noqa: FBT001 - a parameter
    """And it is said where the update is now."""
    worker = lab.worker()
    release_guide(lab)
    hook = worker / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nseq 100\necho the reason\nexit 1\n")
    hook.chmod(0o755)
    if not at_once:
        lab.update(worker)
    done = lab.update(worker, "--commit" if at_once else "--finish")
    assert done.exit_code == 1
    assert "\n100\nthe reason\nThe update is staged but not committed." in done.stderr
    assert "\n50\n" not in done.stderr
    hook.unlink()
    assert lab.update(worker, "--finish").exit_code == 0
    assert git(worker, "status", "--porcelain") == ""


def test_without_git_it_says_so(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else could be done about it."""
    worker = lab.worker()
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in ("update", "diff", "status"):
        done = lab.run(command, str(worker))
        assert done.exit_code == 1
        assert "git is not installed" in done.stdout + done.stderr


# --- Undoing -----------------------------------------------------------------------------------
@pytest.mark.parametrize("stage", [True, False])
def test_abort_keeps_edits_of_other_files(lab: Lab, stage: bool) -> None:  # noqa: FBT001 - a parameter
    """Staged or not, they have nothing to do with the update."""
    worker = lab.worker()
    release_guide(lab, **{"NEW.md": "new\n"})
    lab.update(worker)
    (worker / "logo.bin").write_bytes(b"mine")
    if stage:
        git(worker, "add", "logo.bin")
    done = lab.update(worker, "--abort")
    assert done.exit_code == 0, done.stderr
    assert (worker / "logo.bin").read_bytes() == b"mine"
    assert git(worker, "status", "--porcelain").split() == ["M", "logo.bin"]


def test_abort_names_edits_that_it_would_lose(lab: Lab) -> None:
    """Until it is told to give them up."""
    worker = lab.worker()
    before = contents(worker)
    release_guide(lab, **{"NEW.md": "new\n"})
    lab.update(worker)
    (worker / "NEW.md").write_text("mine\n")
    git(worker, "add", "NEW.md")
    done = lab.update(worker, "--abort")
    assert done.exit_code == 1
    assert "  NEW.md\n" in done.stderr
    assert "--abort --overwrite" in done.stderr
    assert (worker / "NEW.md").read_text() == "mine\n"
    assert lab.update(worker, "--abort", "--overwrite").exit_code == 0
    assert contents(worker) == before
    assert git(worker, "status", "--porcelain") == ""


def test_finish_after_everything_was_reset_says_so(lab: Lab) -> None:
    """It is not taken for a commit."""
    worker = lab.worker()
    release_guide(lab)
    lab.update(worker)
    git(worker, "reset", "--quiet", "--hard")
    done = lab.update(worker, "--finish")
    assert done.exit_code == 1
    assert "Nothing of the update is left" in done.stderr
    assert lab.update(worker, "--abort").exit_code == 0
    assert lab.update(worker).exit_code == 0


# --- In the way --------------------------------------------------------------------------------
def test_a_link_in_the_place_of_a_folder_is_never_followed(lab: Lab, tmp_path: Path) -> None:
    """It is named, and with --overwrite it goes itself."""
    worker = lab.worker()
    commit(worker, {".gitignore": "deep\n"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "new.md").write_text("not the worker's\n")
    (worker / "deep").symlink_to(outside)
    release_guide(lab, **{"deep/new.md": "new\n"})
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "overwrite, though git does not know it: deep\n" in done.stderr
    done = lab.update(worker, "--overwrite")
    assert done.exit_code == 0, done.stderr
    assert (outside / "new.md").read_text() == "not the worker's\n"
    assert not (worker / "deep").is_symlink()
    assert (worker / "deep" / "new.md").read_text() == "new\n"


def test_a_file_in_the_place_of_a_folder_is_named(lab: Lab) -> None:
    """Git would only say that it cannot make a folder."""
    worker = lab.worker()
    commit(worker, {".gitignore": "/deep\n"})
    (worker / "deep").write_text("mine\n")
    release_guide(lab, **{"deep/er/new.md": "new\n"})
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "overwrite, though git does not know it: deep\n" in done.stderr
    assert lab.update(worker, "--overwrite").exit_code == 0
    assert (worker / "deep" / "er" / "new.md").read_text() == "new\n"


# --- What excludes each other ------------------------------------------------------------------
@pytest.mark.parametrize("end", ["--finish", "--abort"])
@pytest.mark.parametrize("other", ["--dry-run", "--to=v0.2.0", "--set=a=b", "--commit"])
def test_what_ends_an_update_takes_nothing_else(lab: Lab, end: str, other: str) -> None:
    """A dry run that undoes everything would be a bad surprise."""
    worker = lab.worker()
    release_guide(lab)
    lab.update(worker)
    before = git(worker, "status", "--porcelain")
    done = lab.update(worker, end, other)
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr
    assert git(worker, "status", "--porcelain") == before
