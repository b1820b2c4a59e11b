"""Which version a repository has, which it gets, and where both are found."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from command import contents, git
from gen_worker.versions.history import History
from gen_worker.versions.order import is_between, parse_version
from gen_worker.versions.origin import BUNDLE
from gen_worker.versions.releases import Releases
from lab import Lab, commit, replaced


def set_recorded(worker: Path, key: str, value: str | None) -> None:
    """Change an entry of the answers file and commit it."""
    file = worker / ".copier-answers.yml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith(f"{key}:")]
    entry = [f"{key}: {value}"] if value is not None else []
    commit(worker, {file.name: "\n".join([*kept, *entry]) + "\n"})


# --- Order -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("v0.9.0", "v0.10.0"),
        ("v1.0.0rc1", "v1.0.0"),
        ("v1.0.0", "v1.0.0-3-gabc1234"),
        ("v1.0.0-9-gabc1234", "v1.0.0-10-gabc1234"),
        ("v1.0.0-3-gabc1234", "v1.0.1"),
        ("0.1.0", "v0.1.1"),
    ],
)
def test_versions_have_an_order(older: str, newer: str) -> None:
    """Tags, release candidates and commits in between."""
    first, second = parse_version(older), parse_version(newer)
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize("label", [None, "", "abc1234", "main", "v", "v1-beta"])
def test_other_words_have_none(label: str | None) -> None:
    """A bare hash says nothing about its place."""
    assert parse_version(label) is None
    assert is_between("1.0.0", label, None)


# --- Newer than the tool -----------------------------------------------------------------------
def test_a_repository_newer_than_the_tool_says_upgrade(lab: Lab) -> None:
    """A colleague has a newer gen-worker."""
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    worker = lab.worker()
    git(lab.template, "checkout", "--quiet", "v0.1.0")
    for command in ("update", "diff"):
        done = lab.run(command, str(worker))
        assert done.exit_code == 1
        assert "has version v0.2.0 and this gen-worker is v0.1.0: upgrade" in done.stderr


def test_a_newer_commit_without_a_version_says_so_too(lab: Lab) -> None:
    """History tells what names do not."""
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    worker = lab.worker()
    set_recorded(worker, "_commit", git(lab.template, "rev-parse", "HEAD"))
    git(lab.template, "checkout", "--quiet", "v0.1.0")
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "newer than v0.1.0: upgrade gen-worker" in done.stderr


@pytest.mark.parametrize("asked", ["main", "HEAD", "tags/v0.2.0"])
def test_a_branch_is_recorded_as_the_version_it_is_now(lab: Lab, asked: str) -> None:
    """Tomorrow it is another one, and the changes in between would be lost."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    assert lab.update(worker, "--to", asked, "--commit").exit_code == 0
    assert "_commit: v0.2.0\n" in (worker / ".copier-answers.yml").read_text()
    lab.release("v0.3.0", {"template/NEW.md": "newer\n"})
    assert lab.update(worker, "--commit").exit_code == 0
    assert (worker / "NEW.md").read_text() == "newer\n"


def test_a_hash_is_recorded_as_it_is(lab: Lab) -> None:
    """It always means the same."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    asked = git(lab.template, "rev-parse", "HEAD")
    assert lab.update(worker, "--to", asked).exit_code == 0
    assert f"_commit: {asked}\n" in (worker / ".copier-answers.yml").read_text()


# --- Where versions are found ------------------------------------------------------------------
def installed(lab: Lab, folder: Path, *, bundle: bool) -> Path:
    """Lay out a template as a wheel does: plain files, with or without the bundle."""
    folder.mkdir()
    for part in ("copier.yml", "template", "partials"):
        source = lab.template / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    if bundle:
        git(lab.template, "bundle", "create", "--quiet", str(folder / BUNDLE), "HEAD", "--tags")
    return folder


def test_the_bundle_serves_where_the_repository_is_out_of_reach(lab: Lab, tmp_path: Path) -> None:
    """The address leads nowhere; the bundle holds the version the worker was made from."""
    worker = lab.worker()
    set_recorded(worker, "_src_path", "https://127.0.0.1:9/nowhere.git")
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    package = installed(lab, tmp_path / "package", bundle=True)
    releases = Releases(package, offline=True)
    from gen_worker.repository.answers_file import read_folder

    base = releases.of(read_folder(worker))
    assert base.label == "v0.1.0"
    assert not (base.root / "template" / "NEW.md").exists()
    assert (base.root / "template" / "GUIDE.md").exists()


def test_the_repositorys_own_address_is_the_last_resort(lab: Lab) -> None:
    """A tool that knows another history fetches the version, unless it must not."""
    worker = lab.worker()
    commit(worker, replaced(worker, "GUIDE.md", "guide line 9", "my line"))
    other = lab.folder / "other-tool"
    git(lab.folder, "clone", "--quiet", "--depth=1", f"file://{lab.template}", str(other))
    (other / "template" / "NEW.md").write_text("new\n")
    for tag in git(other, "tag").splitlines():
        git(other, "tag", "--delete", tag)
    git(other, "checkout", "--quiet", "--orphan", "another-history")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message", "v0.2.0")
    git(other, "tag", "v0.2.0")
    lab.template, first = other, lab.template
    offline = lab.update(worker, "--offline")
    assert offline.exit_code == 1
    assert "v0.1.0 is not known to this gen-worker; upgrade" in offline.stderr
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr
    assert (worker / "NEW.md").read_text() == "new\n"
    assert "my line\n" in (worker / "GUIDE.md").read_text()
    assert f"_src_path: {first}" in (worker / ".copier-answers.yml").read_text()


def test_an_unreachable_address_is_one_sentence(lab: Lab) -> None:
    """Nothing waits for a password."""
    worker = lab.worker()
    set_recorded(worker, "_src_path", "https://127.0.0.1:9/nowhere.git")
    set_recorded(worker, "_commit", "abcdef1")
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "could not be fetched from https://127.0.0.1:9/nowhere.git" in done.stderr


def test_without_a_recorded_version_there_is_no_way(lab: Lab) -> None:
    """The sentence says what to do."""
    worker = lab.worker()
    set_recorded(worker, "_commit", None)
    done = lab.update(worker)
    assert done.exit_code == 1
    assert "does not record its template's version" in done.stderr


def test_uncommitted_work_on_the_template_is_no_version(lab: Lab) -> None:
    """A maintainer's half-done edit reaches nobody."""
    worker = lab.worker()
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    (lab.template / "template" / "NEW.md").write_text("half\n")
    assert lab.update(worker).exit_code == 0
    assert (worker / "NEW.md").read_text() == "new\n"


def test_a_checkout_between_releases_is_a_version(lab: Lab) -> None:
    """It is recorded as git describes it, and plain Copier can update from it."""
    worker = lab.worker()
    (lab.template / "template" / "NEW.md").write_text("new\n")
    git(lab.template, "add", "--all")
    git(lab.template, "commit", "--quiet", "--message", "Between")
    assert lab.update(worker).exit_code == 0
    described = git(lab.template, "describe", "--tags")
    assert f"_commit: {described}" in (worker / ".copier-answers.yml").read_text()
    assert contents(worker) == lab.rendered()


def test_an_unknown_version_lists_the_known_ones(lab: Lab) -> None:
    """For `--to`."""
    worker = lab.worker()
    done = lab.update(worker, "--to", "v9.9.9")
    assert done.exit_code == 1
    assert "There is no version v9.9.9. Available: v0.1.0." in done.stderr


def test_two_processes_may_fill_the_cache_at_once(lab: Lab, tmp_path: Path) -> None:
    """One wins, both have it."""
    history = History(lab.template)
    commit_hash = history.find("v0.1.0")
    assert commit_hash is not None
    program = (
        "import sys; from pathlib import Path; from gen_worker.versions.history import History; "
        "print(History(Path(sys.argv[1])).export(sys.argv[2]))"
    )
    import os
    import sys

    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(lab.template), commit_hash],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    found = {process.communicate(timeout=60)[0].strip() for process in running}
    assert len(found) == 1
    folder = Path(found.pop())
    assert (folder / "copier.yml").exists()
    assert len(list(folder.parent.iterdir())) == 1, "no hidden folder is left"
