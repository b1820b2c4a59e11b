"""Nothing is lost silently, nothing stays half done."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import contents, git
from gen_worker.errors import RepositoryError
from gen_worker.update import index
from lab import Lab, commit, replaced

PACKAGE = "template/src/{{ package_name }}"
ENGINE = "src/worker_payment/kit/worker.py"
MAIL = "src/worker_payment/mail/__init__.py"


# --- Conflicts ---------------------------------------------------------------------------------
@pytest.fixture
def conflict(lab: Lab) -> Path:
    """A worker whose owner and template changed the same line."""
    worker = lab.worker()
    commit(worker, replaced(worker, "GUIDE.md", "guide line 3", "my line"))
    lab.release(
        "v0.2.0",
        {**lab.edit("template/GUIDE.md", "line 3", "line three"), "template/NEW.md": "new\n"},
    )
    return worker


def test_a_conflict_is_marked_and_told(lab: Lab, conflict: Path) -> None:
    """By exit code, in the file, in git's index and in words."""
    done = lab.update(conflict)
    assert done.exit_code == 3
    assert "conflict  GUIDE.md" in done.stdout
    text = (conflict / "GUIDE.md").read_text()
    assert "my line\n=======\nguide line three\n>>>>>>> " in text
    assert "Template v0.2.0" in text
    assert "UU GUIDE.md" in git(conflict, "status", "--porcelain")
    assert (conflict / "NEW.md").read_text() == "new\n", "the rest is there"


def test_finish_refuses_markers_and_takes_a_resolved_file(lab: Lab, conflict: Path) -> None:
    """No `git add` is needed for a file whose markers are gone."""
    lab.update(conflict)
    refused = lab.update(conflict, "--finish")
    assert refused.exit_code == 3
    assert "  GUIDE.md\n" in refused.stdout
    resolved = conflict / "GUIDE.md"
    resolved.write_text("both lines\n")
    (conflict / "GUIDE.md.rej").write_text("left by a tool\n")
    assert lab.update(conflict, "--finish").exit_code == 3
    (conflict / "GUIDE.md.rej").unlink()
    done = lab.update(conflict, "--finish")
    assert done.exit_code == 0, done.stdout
    assert git(conflict, "log", "-1", "--format=%s") == "Update the template from v0.1.0 to v0.2.0"
    assert git(conflict, "show", "HEAD:GUIDE.md") == "both lines"
    assert git(conflict, "status", "--porcelain") == ""
    assert git(conflict, "for-each-ref", "refs/gen-worker") == ""
    assert lab.update(conflict).stdout.endswith("is up to date: v0.2.0.\n")


def test_abort_puts_everything_back(lab: Lab, conflict: Path) -> None:
    """Byte for byte; a file that the owner made meanwhile stays."""
    before, commits = contents(conflict), git(conflict, "rev-parse", "HEAD")
    lab.update(conflict)
    (conflict / "thoughts.txt").write_text("mine\n")
    (conflict / "staged.txt").write_text("mine, too\n")
    git(conflict, "add", "staged.txt")
    assert lab.update(conflict, "--abort").exit_code == 0
    after = contents(conflict)
    assert after.pop("thoughts.txt") == (b"mine\n", False)
    assert after.pop("staged.txt") == (b"mine, too\n", False)
    assert after == before
    assert git(conflict, "rev-parse", "HEAD") == commits


def test_a_conflict_of_binary_files_waits_for_git_add(lab: Lab) -> None:
    """There are no markers that could tell."""
    worker = lab.worker()
    (worker / "logo.bin").write_bytes(b"\0mine")
    git(worker, "commit", "--quiet", "--all", "--message", "My logo")
    (lab.template / "template" / "logo.bin").write_bytes(b"\0theirs")
    lab.release("v0.2.0")
    assert lab.update(worker).exit_code == 3
    assert (worker / "logo.bin").read_bytes() == b"\0mine"
    assert lab.update(worker, "--finish").exit_code == 3
    git(worker, "add", "logo.bin")
    assert lab.update(worker, "--finish").exit_code == 0


def test_a_second_run_is_refused_while_one_waits(lab: Lab, conflict: Path) -> None:
    """The sentence says how to go on."""
    lab.update(conflict)
    again = lab.update(conflict)
    assert again.exit_code == 1
    assert "--finish" in again.stderr
    assert "--abort" in again.stderr


def test_finish_and_abort_need_something_to_end(lab: Lab) -> None:
    """And exclude each other."""
    worker = lab.worker()
    for option in ("--finish", "--abort"):
        done = lab.update(worker, option)
        assert done.exit_code == 1
        assert "No update is under way" in done.stderr
    assert lab.update(worker, "--finish", "--abort").exit_code == 2


def test_a_commit_by_hand_ends_it_too(lab: Lab) -> None:
    """`git commit` instead of `--finish` is fine; abort then refuses to throw it away."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    lab.update(worker)
    git(worker, "commit", "--quiet", "--message", "By hand")
    assert "committed already" in lab.update(worker, "--finish").stdout
    lab.release("v0.3.0", {"template/NEW.md": "newer\n"})
    lab.update(worker)
    git(worker, "commit", "--quiet", "--message", "By hand")
    assert "so it is not undone" in lab.update(worker, "--abort").stderr
    assert (worker / "NEW.md").read_text() == "newer\n"


# --- Losses ------------------------------------------------------------------------------------
def remove_mail(lab: Lab) -> None:
    """Release a version whose template no longer has the module mail."""
    text = (lab.template / "copier.yml").read_text()
    start, end = text.index("with_mail:\n"), text.index("with_public_data:\n")
    text = text[:start] + text[end:]
    start, end = text.index("mail_provider:\n"), text.index("concurrency:\n  type")
    text = text[:start] + text[end:]
    text = text.replace("modules: [mail]", "modules: []").replace("mail: {title: sends mail}", "")
    text = text.replace('  - "{% if not with_mail %}/{{ package_name }}/mail{% endif %}"\n', "")
    old = "template/{{ package_name }}/mail/__init__.py"
    lab.release("v0.2.0", {"copier.yml": text, old: None})


def test_edited_files_of_a_removed_module_are_named_and_kept(lab: Lab) -> None:
    """Copier would delete them without a word."""
    worker = lab.worker()
    commit(worker, {"worker_payment/mail/__init__.py": "MINE = True\n"})
    before = contents(worker)
    remove_mail(lab)
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "Nothing was changed" in done.stderr
    assert "delete: worker_payment/mail/__init__.py" in done.stderr
    assert "--overwrite" in done.stderr
    assert contents(worker) == before
    assert "It needs --overwrite" in lab.update(worker, "--dry-run").stdout
    assert lab.update(worker, "--overwrite").exit_code == 0
    assert contents(worker) == lab.rendered()


def test_unedited_files_of_a_removed_module_just_go(lab: Lab) -> None:
    """Nobody has to be asked."""
    worker = lab.worker()
    remove_mail(lab)
    assert lab.update(worker).exit_code == 0
    assert contents(worker) == lab.rendered()


def test_an_edited_engine_is_replaced_only_when_told(lab: Lab) -> None:
    """The engine's tests hold for the whole engine."""
    worker = lab.worker()
    commit(worker, replaced(worker, ENGINE, "engine line 2", "my engine"))
    lab.release("v0.2.0", lab.edit(f"{PACKAGE}/kit/queue.py", "line 3", "line three"))
    done = lab.update(worker)
    assert done.exit_code == 1
    assert f"overwrite: {ENGINE}" in done.stderr
    assert lab.update(worker, "--overwrite").exit_code == 0
    assert contents(worker) == lab.rendered()


def test_an_edited_engine_stays_while_the_template_leaves_it_alone(lab: Lab) -> None:
    """Only a change of the engine replaces it."""
    worker = lab.worker()
    commit(worker, replaced(worker, ENGINE, "engine line 2", "my engine"))
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    assert lab.update(worker).exit_code == 0
    assert "my engine\n" in (worker / ENGINE).read_text()


def test_a_file_that_git_ignores_is_not_overwritten(lab: Lab) -> None:
    """Git would not know how to bring it back."""
    worker = lab.worker()
    commit(worker, {".gitignore": "notes.txt\n"})
    (worker / "notes.txt").write_text("secret\n")
    lab.release("v0.2.0", {"template/notes.txt": "theirs\n"})
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "overwrite, though git does not know it: notes.txt" in done.stderr
    assert (worker / "notes.txt").read_text() == "secret\n"
    assert lab.update(worker, "--overwrite").exit_code == 0
    assert (worker / "notes.txt").read_text() == "theirs\n"


# --- The working tree --------------------------------------------------------------------------
@pytest.mark.parametrize("stage", [True, False])
def test_uncommitted_changes_are_refused(lab: Lab, stage: bool) -> None:  # noqa: FBT001 - a parameter
    """By name."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    (worker / "GUIDE.md").write_text("mine\n")
    if stage:
        git(worker, "add", "GUIDE.md")
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "has uncommitted changes: GUIDE.md. Commit or stash them first." in done.stderr
    assert (worker / "GUIDE.md").read_text() == "mine\n"


def test_new_files_are_refused_and_ignored_ones_are_not(lab: Lab) -> None:
    """What git ignores has nothing to do with an update."""
    worker = lab.worker()
    commit(worker, {".gitignore": "*.log\n"})
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    (worker / "run.log").write_text("x")
    assert lab.update(worker, "--dry-run").exit_code == 0
    (worker / "own.py").write_text("x")
    assert "uncommitted changes: own.py" in lab.update(worker).stderr


def test_an_unfinished_merge_is_refused(lab: Lab) -> None:
    """Two operations at once would mix."""
    worker = lab.worker()
    git(worker, "switch", "--quiet", "-c", "other")
    commit(worker, {"GUIDE.md": "other\n"})
    git(worker, "switch", "--quiet", "main")
    git(worker, "merge", "--quiet", "--no-ff", "--no-commit", "other")
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "A merge is under way" in done.stderr


def test_a_failure_half_way_puts_everything_back(
    lab: Lab, conflict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step fails, and the repository is as it was."""
    before = contents(conflict)

    def fail(*_: object) -> None:
        raise RepositoryError("git update-index failed: no space is left")

    monkeypatch.setattr(index, "mark_conflicts", fail)
    done = lab.update(conflict)
    assert done.exit_code == 1
    assert contents(conflict) == before
    assert git(conflict, "status", "--porcelain") == ""
    monkeypatch.undo()
    assert lab.update(conflict).exit_code == 3


@pytest.mark.parametrize("kind", ["missing", "no-git", "foreign"])
def test_what_is_no_worker_repository_is_refused(lab: Lab, kind: str, tmp_path: Path) -> None:
    """With a sentence that says why."""
    folder = tmp_path / "place"
    messages = {
        "missing": "There is no folder",
        "no-git": "is not in a git repository, which updates need",
        "foreign": "was not made by gen-worker",
    }
    if kind == "no-git":
        lab.worker().rename(folder)
        import shutil

        shutil.rmtree(folder / ".git")
    elif kind == "foreign":
        folder.mkdir()
        git(folder, "init", "--quiet")
    done = lab.update(folder)
    assert done.exit_code == 1
    assert messages[kind] in done.stderr
