"""What goes wrong around an update."""

from __future__ import annotations

import os

import pytest
from command import contents, git
from gen_worker import merge as merge_module
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
