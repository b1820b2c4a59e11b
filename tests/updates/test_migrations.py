"""Migrations are named functions, run between the right versions, and may run twice."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from command import git
from gen_worker.update import migrations
from lab import Lab, commit, replaced


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> list[migrations.Migration]:
    """Every test has a registry of its own."""
    empty: list[migrations.Migration] = []
    monkeypatch.setattr(migrations, "MIGRATIONS", empty)
    return empty


def follow_the_guide(folder: Path, answers: Mapping[str, Any]) -> None:
    """The owner's notes speak of the package by its name.

    Only notes.txt is touched.
    """
    notes = folder / "notes.txt"
    if notes.exists():
        notes.write_text(notes.read_text().replace("the package", str(answers["package_name"])))


def rename_strict(answers: MutableMapping[str, Any]) -> None:
    """`strict` became `severe`."""
    if "strict" in answers:
        answers["severe"] = answers.pop("strict")


def rename_question(lab: Lab) -> dict[str, str | None]:
    """The template's side of the renamed answer."""
    text = (lab.template / "copier.yml").read_text().replace("strict:\n", "severe:\n")
    folder = "template/{% if strict %}strict{% endif %}"
    git(lab.template, "mv", folder, "template/{% if severe %}strict{% endif %}")
    return {"copier.yml": text}


def test_a_renamed_answer_keeps_its_value(lab: Lab) -> None:
    """Without the migration it would fall back to its default."""
    worker = lab.worker("payment", "strict=yes")
    migrations.answers_migration("0.2.0")(rename_strict)
    lab.release("v0.2.0", rename_question(lab))
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr
    assert "severe: true" in (worker / ".copier-answers.yml").read_text()
    assert "rename_strict: `strict` became `severe`." in done.stdout
    assert (worker / "strict" / "rules.txt").exists()


def test_an_owners_file_follows(lab: Lab) -> None:
    """It is part of the same commit, and of what a dry run shows."""
    worker = lab.worker()
    commit(worker, {"notes.txt": "see the package\n"})
    migrations.files_migration("0.2.0")(follow_the_guide)
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    assert "change  notes.txt" in lab.update(worker, "--dry-run").stdout
    assert (worker / "notes.txt").read_text() == "see the package\n"
    assert lab.update(worker, "--commit").exit_code == 0
    assert git(worker, "show", "HEAD:notes.txt") == "see worker_payment"


def test_files_follow_after_conflicts_are_resolved(lab: Lab) -> None:
    """`--finish` runs what could not run before."""
    worker = lab.worker()
    notes = {"notes.txt": "see the package\n"}
    commit(worker, {**notes, **replaced(worker, "GUIDE.md", "guide line 3", "mine")})
    migrations.files_migration("0.2.0")(follow_the_guide)
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    assert lab.update(worker).exit_code == 3
    assert (worker / "notes.txt").read_text() == "see the package\n"
    (worker / "GUIDE.md").write_text("resolved\n")
    assert lab.update(worker, "--finish").exit_code == 0
    assert git(worker, "show", "HEAD:notes.txt") == "see worker_payment"
    assert git(worker, "status", "--porcelain") == ""


def test_only_what_lies_between_the_versions_runs() -> None:
    """Older ones ran before, newer ones are not needed yet."""
    for version in ("0.1.0", "0.2.0", "0.2.1", "0.3.0"):
        migrations.files_migration(version)(follow_the_guide)
    found = [step.version for step in migrations.between("v0.1.0", "v0.2.1")]
    assert found == ["0.2.0", "0.2.1"]
    assert [step.version for step in migrations.between("abc1234", "v0.2.0")] == ["0.1.0", "0.2.0"]


def test_a_migration_needs_a_docstring() -> None:
    """Its purpose is told to the owner."""

    def undocumented(_answers: MutableMapping[str, Any]) -> None:
        pass

    with pytest.raises(ValueError, match="needs a docstring"):
        migrations.answers_migration("0.2.0")(undocumented)


def test_the_projects_own_migrations_keep_the_rules(tmp_path: Path) -> None:
    """Names are unique, versions are versions, and a second run changes nothing more."""
    import importlib

    own = importlib.reload(migrations).MIGRATIONS
    assert len({step.name for step in own}) == len(own)
    for step in own:
        assert migrations.between("v0.0.0", f"v{step.version}"), step
        if step.answers:
            once: dict[str, Any] = {"worker_type": "payment", "preset": "payment"}
            step.answers(once)
            twice = dict(once)
            step.answers(twice)
            assert twice == once, step.name
        if step.files:
            step.files(tmp_path, {"package_name": "worker_payment"})
            step.files(tmp_path, {"package_name": "worker_payment"})
