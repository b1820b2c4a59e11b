"""A template or an answers file from a stranger is refused or does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import contents, git
from gen_worker.errors import UpdateError
from gen_worker.versions.history import git_address
from lab import Lab, commit


def record(worker: Path, **entries: str) -> None:
    """Write entries of the answers file and commit them."""
    file = worker / ".copier-answers.yml"
    kept = [line for line in file.read_text().splitlines() if line.partition(":")[0] not in entries]
    added = [f"{key}: {value}" for key, value in entries.items()]
    commit(worker, {file.name: "\n".join([*kept, *added]) + "\n"})


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c 'touch {here}/stolen'",
        "--upload-pack=touch {here}/stolen",
        "fd::17",
        "-c core.sshCommand=touch",
        "https://host/a\nb",
    ],
)
def test_an_address_that_runs_a_program_is_refused(address: str) -> None:
    """Git would obey some of them."""
    with pytest.raises(UpdateError, match="is refused"):
        git_address(address)


def test_a_hostile_address_in_an_answers_file_runs_nothing(lab: Lab, tmp_path: Path) -> None:
    """The whole way, from the command line."""
    worker = lab.worker()
    stolen = tmp_path / "stolen"
    record(worker, _src_path=f"'ext::sh -c \"touch {stolen}\"'", _commit="abcdef1")
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "is refused" in done.stderr
    assert not stolen.exists()


@pytest.mark.parametrize(
    "revision", ["--output=/tmp/x", "HEAD; rm -rf .", "v1 v2", "$(id)", "@{-1}"]
)
def test_a_hostile_revision_is_just_unknown(lab: Lab, revision: str) -> None:
    """It never reaches git as an option or a shell as a command."""
    worker = lab.worker()
    record(worker, _commit=f"'{revision}'")
    done = lab.update(worker, "--offline")
    assert done.exit_code == 1
    assert "is not known to this gen-worker" in done.stderr


@pytest.mark.parametrize(
    "entries",
    [
        {"concurrency": "0"},
        {"preset": "'../../etc'"},
        {"mail_provider": "'{{ 1 }}'"},
        {"concurrency": "'many'"},
    ],
    ids=str,
)
def test_hostile_answers_meet_the_validators(lab: Lab, entries: dict[str, str]) -> None:
    """An answers file is no more trusted than a command line."""
    worker = lab.worker()
    record(worker, **entries)
    before = contents(worker)
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    done = lab.update(worker)
    assert done.exit_code == 2
    assert contents(worker) == before


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']\n",
        "worker_type: [\n",
        "- a\n- list\n",
        "name: another template\n",
        "",
    ],
)
def test_a_malformed_answers_file_is_refused(lab: Lab, text: str) -> None:
    """YAML is data and nothing else."""
    worker = lab.worker()
    commit(worker, {".copier-answers.yml": text})
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "was not made by gen-worker" in done.stderr


# --- Templates ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("_tasks:\n  - touch stolen\n", "does not support: tasks"),
        ("_jinja_extensions: [os.system]\n", "does not support: jinja_extensions"),
        ("_migrations:\n  - touch stolen\n", "does not support: migrations"),
        ("_external_data: {x: /etc/passwd}\n", "does not support: external_data"),
        ("_skip_if_exists: [README.md]\n", "does not support: skip_if_exists"),
        ("_subdirectory: ../..\n", "outside of the template"),
        ("_subdirectory: /etc\n", "outside of the template"),
    ],
)
def test_a_template_that_wants_more_than_files_is_refused(
    lab: Lab, change: str, message: str
) -> None:
    """No command of a template is ever run."""
    worker = lab.worker()
    text = (lab.template / "copier.yml").read_text()
    if change.startswith("_subdirectory"):
        text = text.replace("_subdirectory: template\n", "")
    lab.release("v0.2.0", {"copier.yml": change + text})
    before = contents(worker)
    done = lab.update(worker)
    assert done.exit_code == 1
    assert message in done.stderr
    assert contents(worker) == before


def test_a_link_in_a_template_is_refused(lab: Lab) -> None:
    """It could read any file of the user's."""
    worker = lab.worker()
    (lab.template / "template" / "secret.txt").symlink_to("/etc/hostname")
    lab.release("v0.2.0")
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "The template holds a link: template/secret.txt" in done.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("template/{{ '.git' }}/hooks/post-checkout", "touch stolen\n"),
        ("template/{{ '.GIT' }}/config", "x"),
        ("template/{{ '..' }}/stolen", "x"),
        ("template/x.jinja", "{{ ''.__class__.__mro__ }}"),
        ("template/x.jinja", "{% include '../../../etc/hostname' %}"),
    ],
)
def test_files_outside_of_a_template_stay_out_of_reach(lab: Lab, name: str, content: str) -> None:
    """Neither written, nor read."""
    worker = lab.worker()
    lab.release("v0.2.0", {name: content})
    done = lab.update(worker)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: The template")
    assert git(worker, "status", "--porcelain") == ""


def test_hooks_of_the_repository_do_not_run_in_a_rehearsal(lab: Lab) -> None:
    """A dry run runs nothing."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    for hook in ("post-checkout", "pre-commit", "post-merge", "reference-transaction"):
        file = worker / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ntouch {worker}/ran-{hook}\n")
        file.chmod(0o755)
    assert lab.update(worker, "--dry-run").exit_code == 0
    assert not list(worker.glob("ran-*"))
