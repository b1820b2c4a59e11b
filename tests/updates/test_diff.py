"""`gen-worker diff` shows what an owner changed."""

from __future__ import annotations

from command import contents, git
from lab import Lab, commit, replaced


def test_an_untouched_repository_has_no_difference(lab: Lab) -> None:
    """Files of the owner's own are none either."""
    worker = lab.worker()
    commit(worker, {"own.py": "OWN = True\n"})
    done = lab.run("diff", str(worker), "--exit-code")
    assert (done.exit_code, done.stdout) == (0, "")


def test_committed_and_uncommitted_edits_are_shown(lab: Lab) -> None:
    """From the template to the repository."""
    worker = lab.worker()
    commit(worker, replaced(worker, "GUIDE.md", "guide line 3", "my line"))
    (worker / "pyproject.toml").unlink()
    shown = lab.run("diff", str(worker)).stdout
    assert "-guide line 3\n+my line\n" in shown
    assert "deleted file mode 100644" in shown
    listed = lab.run("diff", str(worker), "--name-only", "--exit-code")
    assert listed.stdout == "M\tGUIDE.md\nD\tpyproject.toml\n"
    assert listed.exit_code == 1


def test_upstream_compares_with_the_newest_version(lab: Lab) -> None:
    """What is missing there shows as deleted here."""
    worker = lab.worker()
    commit(worker, replaced(worker, "GUIDE.md", "guide line 3", "my line"))
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    assert "NEW.md" not in lab.run("diff", str(worker)).stdout
    shown = lab.run("diff", str(worker), "--upstream", "--name-only").stdout
    assert shown == "M\t.copier-answers.yml\nM\tGUIDE.md\nD\tNEW.md\n"


def test_it_changes_nothing(lab: Lab) -> None:
    """Not even the index."""
    worker = lab.worker()
    (worker / "GUIDE.md").write_text("mine\n")
    before = contents(worker), (worker / ".git" / "index").read_bytes()
    lab.run("diff", str(worker), "--upstream")
    assert (contents(worker), (worker / ".git" / "index").read_bytes()) == before
    assert git(worker, "status", "--porcelain") == "M GUIDE.md"
