"""Where the template comes from, for every way gen-worker can be installed."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import Any

import pytest
from command import commit_all, git
from gen_worker.versions.origin import find_source, updatable_url


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A template's checkout with one tagged commit."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "copier.yml").write_text("_subdirectory: template\n")
    commit_all(root, "v0.1.0")
    return root


def installed(
    tmp_path: Path,
    version: str = "0.2.0",
    direct_url: dict[str, Any] | None = None,
    template_url: str | None = None,
) -> Distribution:
    """Write what an installer leaves in site-packages."""
    folder = tmp_path / "gen_worker.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.4", "Name: gen-worker", f"Version: {version}"]
    lines += [f"Project-URL: Template, {template_url}"] if template_url else []
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    if direct_url:
        (folder / "direct_url.json").write_text(json.dumps(direct_url))
    return PathDistribution(folder)


# --- Checkouts -------------------------------------------------------------------------------
def test_a_checkout_without_origin_is_its_own_source(checkout: Path) -> None:
    """The path and the tag are recorded."""
    source = find_source(checkout)
    assert source.metadata == {"_src_path": str(checkout), "_commit": "v0.1.0"}
    assert source.remark is None


def test_a_clone_records_its_origin(checkout: Path, tmp_path: Path) -> None:
    """The origin outlives the clone."""
    git(tmp_path, "clone", "--quiet", str(checkout), "clone")
    assert find_source(tmp_path / "clone").metadata == {
        "_src_path": str(checkout),
        "_commit": "v0.1.0",
    }


def test_a_commit_that_was_never_pushed_is_not_looked_for_in_the_origin(
    checkout: Path, tmp_path: Path
) -> None:
    """Only the clone itself has that revision."""
    git(tmp_path, "clone", "--quiet", str(checkout), "clone")
    clone = tmp_path / "clone"
    (clone / "new.txt").write_text("new")
    git(clone, "add", "new.txt")
    git(clone, "commit", "--quiet", "--message", "new")
    source = find_source(clone)
    assert source.url == str(clone)
    assert git(clone, "rev-parse", str(source.commit)) == git(clone, "rev-parse", "HEAD")


def test_uncommitted_changes_of_the_template_are_remarked(checkout: Path) -> None:
    """Updates start from the commit, which is not quite what was rendered."""
    (checkout / "copier.yml").write_text("_subdirectory: other\n")
    source = find_source(checkout)
    assert source.updates
    assert "uncommitted changes" in str(source.remark)


def test_changes_elsewhere_in_the_checkout_do_not_matter(checkout: Path) -> None:
    """Only the template counts."""
    (checkout / "notes.txt").write_text("mine")
    assert find_source(checkout).remark is None


def test_a_checkout_without_commits_turns_updates_off(tmp_path: Path) -> None:
    """There is no revision to start from, and the remark says so."""
    git(tmp_path, "init", "--quiet")
    source = find_source(tmp_path)
    assert not source.updates
    assert source.metadata == {}
    assert str(source.remark).startswith("Updates are off: the checkout has no usable revision")


def test_a_checkout_without_git_on_the_machine_turns_updates_off(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare machine can still generate."""
    monkeypatch.setenv("PATH", "")
    assert "git is missing" in str(find_source(checkout).remark)


# --- Installed packages ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "recorded"), [("v0.2.0", "v0.2.0"), ("main", "a" * 40), (None, "a" * 40)]
)
def test_an_install_from_git_records_its_url_and_revision(
    tmp_path: Path, asked: str | None, recorded: str
) -> None:
    """The release that was asked for by its tag, else the commit; Copier needs the `git+`."""
    direct = {
        "url": "https://example.org/team/gen-worker",
        "vcs_info": {"vcs": "git", "requested_revision": asked, "commit_id": "a" * 40},
    }
    assert find_source(tmp_path, installed(tmp_path, direct_url=direct)).metadata == {
        "_src_path": "git+https://example.org/team/gen-worker",
        "_commit": recorded,
    }


def test_a_released_version_records_the_url_in_its_metadata(tmp_path: Path) -> None:
    """A release is tagged vVERSION."""
    package = installed(tmp_path, template_url="https://example.org/gen-worker.git")
    assert find_source(tmp_path, package).metadata == {
        "_src_path": "https://example.org/gen-worker.git",
        "_commit": "v0.2.0",
    }


@pytest.mark.parametrize("version", ["0.2.1.dev3", "0.2.1.dev3+gabc1234", "0.2.0+local"])
def test_an_unreleased_version_turns_updates_off(tmp_path: Path, version: str) -> None:
    """No tag bears that version; a wrong one would be worse than none."""
    package = installed(tmp_path, version, template_url="https://example.org/gen-worker.git")
    source = find_source(tmp_path, package)
    assert not source.updates
    assert source.metadata == {"_src_path": "https://example.org/gen-worker.git"}
    assert f"{version} is not a released version" in str(source.remark)


def test_a_package_that_names_no_repository_turns_updates_off(tmp_path: Path) -> None:
    """A wheel from a file: the way to have updates is named."""
    direct = {"url": "file:///downloads/gen_worker.whl", "archive_info": {}}
    source = find_source(tmp_path, installed(tmp_path, direct_url=direct))
    assert not source.updates
    assert "pip install git+URL" in str(source.remark)


def test_an_install_from_a_folder_records_the_folders_revision(
    checkout: Path, tmp_path: Path
) -> None:
    """The version tells which commit was built, whatever the folder has moved on to."""
    built = git(checkout, "rev-parse", "HEAD")
    (checkout / "later.txt").write_text("later")
    commit_all(checkout, "v0.2.0")
    direct = {"url": checkout.as_uri(), "dir_info": {}}
    package = installed(tmp_path, f"0.1.1.dev1+g{built[:9]}", direct)
    assert find_source(tmp_path, package).metadata == {
        "_src_path": str(checkout),
        "_commit": built,
    }


def test_an_install_from_a_tagged_folder_records_the_tag(checkout: Path, tmp_path: Path) -> None:
    """A release built from its tag."""
    direct = {"url": checkout.as_uri(), "dir_info": {}}
    assert find_source(tmp_path, installed(tmp_path, "0.1.0", direct)).commit == "v0.1.0"


@pytest.mark.parametrize("version", ["0.9.0", "0.1.1.dev1+gabcdef123.d20260101"])
def test_an_install_from_a_folder_with_unknown_revision_turns_updates_off(
    checkout: Path, tmp_path: Path, version: str
) -> None:
    """A version without its tag, or built from uncommitted changes."""
    direct = {"url": checkout.as_uri(), "dir_info": {}}
    assert not find_source(tmp_path, installed(tmp_path, version, direct)).updates


def test_an_install_from_a_folder_without_history_turns_updates_off(tmp_path: Path) -> None:
    """An unpacked archive."""
    direct = {"url": tmp_path.as_uri(), "dir_info": {}}
    source = find_source(tmp_path, installed(tmp_path, direct_url=direct))
    assert "folder without git history" in str(source.remark)


# --- URLs ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("https://example.org/t", "git+https://example.org/t"),
        ("https://example.org/t.git", "https://example.org/t.git"),
        ("https://github.com/team/t", "https://github.com/team/t.git"),
        ("https://secret@github.com/team/t/", "https://github.com/team/t.git"),
        ("https://user:secret@example.org/t.git", "https://example.org/t.git"),
        ("https://token@example.org:8443/t", "git+https://example.org:8443/t"),
        ("ssh://git@example.org/t", "git+ssh://git@example.org/t"),
        ("git@example.org:team/t.git", "git@example.org:team/t.git"),
        ("file:///srv/my%20repo", "/srv/my repo"),
        ("/srv/t", "/srv/t"),
    ],
)
def test_a_recorded_url_is_one_copier_knows_and_holds_no_secret(url: str, recorded: str) -> None:
    """What goes into a committed file is checked with care."""
    assert updatable_url(url) == recorded
    assert "secret" not in recorded
