"""An update brings what the template changed and keeps what the owner changed."""

from __future__ import annotations

import json

import pytest
from command import contents, git
from lab import PROCESSOR, Lab, commit, lines, replaced
from plain_copier import copier

PACKAGE = "template/src/{{ package_name }}"
TEMPLATE_PROCESSOR = f"{PACKAGE}/processors/{{{{ worker_type }}}}.py"


def test_updated_is_what_a_fresh_render_is(lab: Lab) -> None:
    """Every kind of change at once: new, changed, renamed and deleted files, a new question."""
    worker = lab.worker()
    (lab.template / TEMPLATE_PROCESSOR).rename(lab.template / PACKAGE / "jobs.py")
    question = "retries:\n  type: int\n  help: How often\n  default: 3\n\nstrict:\n"
    lab.release(
        "v0.2.0",
        {
            **lab.edit("copier.yml", "strict:\n", question),
            "template/RETRIES.md.jinja": "{{ retries }} times\n",
            "template/GUIDE.md": None,
            f"{PACKAGE}/config/settings.py": lines("changed setting", 9),
        },
    )
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr
    assert contents(worker) == lab.rendered()
    assert "retries: 3" in (worker / ".copier-answers.yml").read_text()
    assert "retries: 3" in done.stdout, "a new question is named with its answer"


def test_plain_copier_update_brings_the_same_files(lab: Lab) -> None:
    """Both ways lead to the same repository."""
    ours, theirs = lab.worker(), lab.fresh()
    lab.release("v0.2.0", {**lab.edit("template/GUIDE.md", "line 3", "line three")})
    assert lab.update(ours).exit_code == 0
    copier("update", cwd=theirs)
    assert contents(ours) == contents(theirs)


def test_edits_in_the_usual_places_survive(lab: Lab) -> None:
    """A processor, settings, dependencies and the README, while the template changes all four."""
    worker = lab.worker()
    commit(
        worker,
        {
            **replaced(worker, PROCESSOR, "processor line 11", "my processor"),
            **replaced(worker, "src/worker_payment/config/settings.py", "setting line 2", "mine"),
            **replaced(worker, "pyproject.toml", '    "rq>=3",\n', '    "rq>=3",\n    "mine",\n'),
            **replaced(worker, "GUIDE.md", "guide line 12", "my guide"),
            "src/worker_payment/processors/own.py": "OWN = True\n",
        },
    )
    lab.release(
        "v0.2.0",
        {
            **lab.edit(TEMPLATE_PROCESSOR, "processor line 2\n", "better line 2\n"),
            **lab.edit(f"{PACKAGE}/config/settings.py", "setting line 11", "better"),
            **lab.edit("template/pyproject.toml.jinja", 'version = "0.1.0"', 'version = "0.1.1"'),
            **lab.edit("template/GUIDE.md", "guide line 1\n", "better guide\n"),
        },
    )
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr
    processor = (worker / PROCESSOR).read_text()
    assert "better line 2\n" in processor
    assert "my processor\n" in processor
    settings = (worker / "src/worker_payment/config/settings.py").read_text()
    assert "mine\n" in settings
    assert "better\n" in settings
    project = (worker / "pyproject.toml").read_text()
    assert '"mine"' in project
    assert '"0.1.1"' in project
    guide = (worker / "GUIDE.md").read_text()
    assert guide.startswith("better guide\n")
    assert guide.endswith("my guide\n")
    assert (worker / "src/worker_payment/processors/own.py").exists()


def test_a_renamed_file_takes_the_edit_along(lab: Lab) -> None:
    """Git finds the file again by its content."""
    worker = lab.worker()
    commit(worker, replaced(worker, "GUIDE.md", "guide line 6", "my line"))
    lab.release(
        "v0.2.0", {"template/GUIDE.md": None, "template/docs/HANDBOOK.md": lines("guide", 12)}
    )
    assert lab.update(worker).exit_code == 0
    assert not (worker / "GUIDE.md").exists()
    assert "my line\n" in (worker / "docs" / "HANDBOOK.md").read_text()


def test_a_changed_dependency_meets_an_own_one(lab: Lab) -> None:
    """The template's requirement rises, the owner's stays."""
    worker = lab.worker()
    commit(
        worker,
        replaced(worker, "pyproject.toml", "dependencies = [\n", 'dependencies = [\n    "mine",\n'),
    )
    lab.release("v0.2.0", lab.edit("template/pyproject.toml.jinja", "rq>=3", "rq>=3.1"))
    assert lab.update(worker).exit_code == 0
    project = (worker / "pyproject.toml").read_text()
    assert '    "mine",\n    "redis>=8",\n    "rq>=3.1",\n' in project


def test_a_file_that_the_owner_deleted_stays_deleted(lab: Lab) -> None:
    """And the owner is told that the template changed it."""
    worker = lab.worker()
    commit(worker, {"GUIDE.md": None})
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    done = lab.update(worker)
    assert done.exit_code == 0
    assert not (worker / "GUIDE.md").exists()
    assert "Still deleted, as you left them:\n  GUIDE.md" in done.stdout


def test_the_owners_own_file_of_the_same_name_is_a_conflict(lab: Lab) -> None:
    """Neither side is lost."""
    worker = lab.worker()
    commit(worker, {"NEW.md": "mine\n"})
    lab.release("v0.2.0", {"template/NEW.md": "theirs\n"})
    done = lab.update(worker)
    assert done.exit_code == 3
    text = (worker / "NEW.md").read_text()
    assert "mine\n" in text
    assert "theirs\n" in text


def test_executable_bits_follow(lab: Lab) -> None:
    """A script that becomes executable, and an edited one that already is."""
    worker = lab.worker()
    (lab.template / "template" / "GUIDE.md").chmod(0o755)
    lab.release("v0.2.0")
    assert lab.update(worker).exit_code == 0
    assert (worker / "GUIDE.md").stat().st_mode & 0o111
    assert git(worker, "diff", "--summary") == "", "index and working tree agree"


def test_an_answer_can_be_given_on_the_way(lab: Lab) -> None:
    """`--set` answers old and new questions alike."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    done = lab.update(worker, "--set", "concurrency=9", "--set", "strict=yes")
    assert done.exit_code == 0, done.stderr
    assert contents(worker) == lab.rendered("payment", "concurrency=9", "strict=yes")
    assert "concurrency: 9" in done.stdout


def test_an_answer_that_is_no_longer_a_choice_is_asked_for(lab: Lab) -> None:
    """Nothing is chosen silently."""
    worker = lab.worker()
    lab.release(
        "v0.2.0", lab.edit("copier.yml", "[smtp, ses]\n  default: smtp", "[ses]\n  default: ses")
    )
    done = lab.update(worker)
    assert done.exit_code == 2
    assert "smtp" in done.stderr
    assert "Answer it again: --set mail_provider=VALUE." in done.stderr
    assert lab.update(worker, "--set", "mail_provider=ses").exit_code == 0


def test_an_update_in_between_is_possible(lab: Lab) -> None:
    """`--to` names the version."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "two\n"})
    lab.release("v0.3.0", {"template/NEW.md": "three\n"})
    assert lab.update(worker, "--to", "v0.2.0", "--commit").exit_code == 0
    assert (worker / "NEW.md").read_text() == "two\n"
    assert lab.update(worker, "--commit").exit_code == 0
    assert (worker / "NEW.md").read_text() == "three\n"
    back = lab.update(worker, "--to", "v0.2.0")
    assert back.exit_code == 1
    assert "newer than v0.2.0" in back.stderr


def test_a_dry_run_says_everything_and_touches_nothing(lab: Lab) -> None:
    """Not even git's own files, apart from caches."""
    worker = lab.worker()
    commit(worker, replaced(worker, "GUIDE.md", "line 3", "line mine"))
    lab.release("v0.2.0", {**lab.edit("template/GUIDE.md", "line 3", "line 33")})
    before, objects = contents(worker), git(worker, "count-objects", "-v")
    done = lab.update(worker, "--dry-run", "--json")
    planned = json.loads(done.stdout)
    assert done.exit_code == 3
    assert planned["conflicts"] == ["GUIDE.md"]
    assert (planned["from"], planned["to"], planned["applied"]) == ("v0.1.0", "v0.2.0", False)
    assert contents(worker) == before
    assert git(worker, "count-objects", "-v") == objects
    assert git(worker, "for-each-ref", "refs/gen-worker") == ""


def test_a_second_update_finds_nothing_to_do(lab: Lab) -> None:
    """And says so."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    lab.update(worker, "--commit")
    assert lab.update(worker).stdout == "worker-payment is up to date: v0.2.0.\n"


def test_the_changelog_in_between_is_shown(lab: Lab) -> None:
    """What the owner has seen before is left out, and so is what is not in the target."""
    log = "# Changelog\n\n## Unreleased\n\nlater\n"
    for version in ("0.3.0", "0.2.0", "0.1.0"):
        log += f"\n## [{version}] - 2026-01-01\n\n- What {version} brought.\n"
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    lab.release("v0.3.0", {"CHANGELOG.md": log})
    shown = lab.update(worker).stdout
    assert "- What 0.3.0 brought." in shown
    assert "- What 0.2.0 brought." in shown
    assert "0.1.0 brought" not in shown
    assert "later" not in shown


@pytest.mark.parametrize("inside", ["src", "src/worker_payment"])
def test_a_folder_inside_the_repository_will_do(lab: Lab, inside: str) -> None:
    """As with git itself."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    assert lab.update(worker / inside).exit_code == 0
    assert (worker / "NEW.md").exists()
