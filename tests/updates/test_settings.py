"""Somebody's git settings change neither what gen-worker sees nor what it does."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from command import contents, git
from lab import Lab, commit, replaced, sample_lab

# One setting each; by git's configuration where there is a dot, else by the environment.
_LISTED = """
color.ui=always color.diff=always color.status=always color.grep=always color.branch=always
color.advice=always column.ui=always column.tag=always column.status=always column.branch=always
core.pager=false pager.diff=false pager.status=false pager.grep=false core.quotePath=true
core.abbrev=40 core.abbrev=4 core.autocrlf=input core.eol=crlf core.safecrlf=true
core.safecrlf=warn core.fsmonitor=/bin/false core.untrackedCache=true core.splitIndex=true
core.preloadIndex=false core.fileMode=false core.ignoreCase=true core.symlinks=false
core.trustctime=false core.checkStat=minimal core.logAllRefUpdates=always
core.sharedRepository=group core.compression=9 core.bigFileThreshold=1 core.whitespace=cr-at-eol
core.commentChar=U core.editor=false core.askPass=/bin/false core.hooksPath=/nowhere
core.precomposeUnicode=true core.protectNTFS=true core.attributesFile=/dev/null
core.excludesFile=/dev/null core.warnAmbiguousRefs=false core.multiPackIndex=false
core.commitGraph=false diff.external=/bin/false diff.noprefix=true diff.mnemonicPrefix=true
diff.relative=true diff.renames=false diff.renames=copies diff.renameLimit=1 diff.context=0
diff.algorithm=patience diff.ignoreSubmodules=all diff.orderFile=/dev/null diff.colorMoved=zebra
diff.wordRegex=. diff.wsErrorHighlight=all diff.statGraphWidth=1 diff.suppressBlankEmpty=true
diff.submodule=log diff.autoRefreshIndex=false diff.indentHeuristic=false
status.showUntrackedFiles=no status.relativePaths=false status.short=true status.branch=true
status.showStash=true status.aheadBehind=false status.renames=copies
status.submoduleSummary=true grep.patternType=fixed grep.patternType=perl grep.fullName=true
grep.lineNumber=true grep.column=true grep.fallbackToNoIndex=true grep.extendedRegexp=true
submodule.recurse=true merge.renames=false merge.directoryRenames=true merge.conflictStyle=diff3
merge.conflictStyle=merge merge.ff=only merge.verbosity=5 merge.default=union merge.stat=false
rerere.enabled=true rerere.autoUpdate=true commit.cleanup=strip commit.status=true
commit.verbose=true commit.template=/nowhere fetch.prune=true fetch.fsckObjects=true
fetch.recurseSubmodules=true transfer.fsckObjects=true transfer.hideRefs=refs/gen-worker
uploadpack.hideRefs=refs protocol.allow=never protocol.file.allow=never
url.https://nowhere/.insteadOf=/ index.version=4 index.sparse=true index.threads=1
feature.manyFiles=true gc.auto=1 gc.autoDetach=false maintenance.auto=true
i18n.logOutputEncoding=latin1 log.showSignature=true log.decorate=full tag.sort=-creatordate
init.defaultBranch=trunk init.templateDir=/nowhere push.followTags=true
clone.defaultRemoteName=up user.useConfigOnly=true advice.detachedHead=true apply.whitespace=fix
safe.bareRepository=explicit GIT_EXTERNAL_DIFF=/bin/false GIT_DIFF_OPTS=-u0 GIT_PAGER=/bin/false
GIT_NAMESPACE=other GIT_LITERAL_PATHSPECS=1 GIT_GLOB_PATHSPECS=1 GIT_NOGLOB_PATHSPECS=1
GIT_ICASE_PATHSPECS=1 GIT_DIR=/nowhere GIT_WORK_TREE=/nowhere GIT_INDEX_FILE=/nowhere
GIT_OBJECT_DIRECTORY=/nowhere GIT_TRACE=1 GIT_TRACE_SETUP=1 GIT_ATTR_NOSYSTEM=1
GIT_MERGE_VERBOSITY=5 GIT_DEFAULT_HASH=sha256 GIT_COMMON_DIR=/nowhere GIT_PREFIX=src/
GIT_CEILING_DIRECTORIES=/nowhere GIT_EDITOR=/bin/false GIT_REPLACE_REF_BASE=refs/heads/
GIT_NO_REPLACE_OBJECTS=1 GIT_ALLOW_PROTOCOL=none GIT_CONFIG_PARAMETERS='color.ui=always'
"""
SETTINGS = _LISTED.split()
_AT_ONCE = 4


def words(setting: str) -> set[str]:
    """Split the name of a setting into its words."""
    name = setting.partition("=")[0].removeprefix("GIT_")
    return {word.lower() for word in re.split(r"[._]|(?<=[a-z])(?=[A-Z])", name)}


def groups() -> list[list[str]]:
    """Share out the settings. Those of a group have no word in common: none undoes another."""
    made: list[list[str]] = []
    for setting in SETTINGS:
        for group in made:
            taken = set().union(*map(words, group))
            if len(group) < _AT_ONCE and not taken & words(setting):
                group.append(setting)
                break
        else:
            made.append([setting])
    return made


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, Path]:
    """One worker for all: edited, with a new version ahead; copied where it is changed."""
    sample = Path(__file__).parents[1] / "generator" / "sample_template"
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        folder = tmp_path_factory.mktemp("settings")
        (folder / "gitconfig").write_text("[user]\n\tname = T\n\temail = t@localhost\n")
        patched.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
        patched.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        lab = sample_lab(folder / "lab", sample)
        worker = lab.worker()
        commit(worker, replaced(worker, "GUIDE.md", "guide line 3", "my line"))
        lab.release(
            "v0.2.0",
            {**lab.edit("template/GUIDE.md", "line 12", "line twelve"), "template/N.md": "new\n"},
        )
        os.utime(worker / "GUIDE.md", (1, 1))
    return lab, worker


def everything(lab: Lab, worker: Path, copy: Path) -> list[object]:
    """Look at a worker and update a copy of it; return what was printed and what is there."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(worker, copy, symlinks=True)
    shown = [
        lab.run("status", str(copy), "--json"),
        lab.run("diff", str(copy)),
        lab.update(copy, "--commit"),
    ]
    return [*shown, contents(copy)]


@pytest.fixture(scope="module")
def expected(prepared: tuple[Lab, Path]) -> list[object]:
    """What is seen and done with no settings at all."""
    lab, worker = prepared
    patched = pytest.MonkeyPatch()
    with patched.context() as context:
        context.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        context.setenv("GIT_CONFIG_NOSYSTEM", "1")
        context.setenv("XDG_CACHE_HOME", str(lab.folder.parent / "cache"))
        fixed_dates(context)
        return everything(lab, worker, lab.folder / "copy" / worker.name)


def fixed_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make commits that have the same hash each time."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_DATE", "2026-01-01T00:00:00Z")
        monkeypatch.setenv(f"GIT_{who}_NAME", "T")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "t@localhost")


@pytest.mark.parametrize("settings", groups(), ids=" ".join)
def test_settings_change_nothing(
    prepared: tuple[Lab, Path],
    expected: list[object],
    monkeypatch: pytest.MonkeyPatch,
    settings: list[str],
) -> None:
    """The same output, the same exit codes, the same files."""
    lab, worker = prepared
    monkeypatch.setenv("XDG_CACHE_HOME", str(lab.folder.parent / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    fixed_dates(monkeypatch)
    configured = [each.rpartition("=") for each in settings if not each.startswith("GIT_")]
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(configured)))
    for number, (name, _, value) in enumerate(configured):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    for each in settings:
        if each.startswith("GIT_"):
            monkeypatch.setenv(*each.split("=", 1))
    assert everything(lab, worker, lab.folder / "copy" / worker.name) == expected


def test_there_are_enough_settings() -> None:
    """A list that shrinks would be noticed."""
    assert len(set(SETTINGS)) >= 105
    assert sorted(setting for group in groups() for setting in group) == sorted(SETTINGS)


def test_line_ends_of_a_clone_are_no_edits(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a clone with core.autocrlf=true, which git calls clean; the update keeps it so."""
    worker = lab.worker()
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    clone = lab.folder / "clone" / worker.name
    git(lab.folder, "-c", "core.autocrlf=true", "clone", "-q", str(worker), str(clone))
    git(clone, "config", "core.autocrlf", "true")
    for number, value in enumerate(("core.autocrlf", "true")):
        monkeypatch.setenv(f"GIT_CONFIG_{'KEY' if number == 0 else 'VALUE'}_0", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    assert b"\r\n" in (clone / "GUIDE.md").read_bytes()
    assert '"drift": {}' in lab.run("status", str(clone), "--json").stdout
    assert lab.run("diff", str(clone), "--exit-code").stdout == ""
    done = lab.update(clone, "--commit")
    assert done.exit_code == 0, done.stderr
    assert b"line three\r\n" in (clone / "GUIDE.md").read_bytes()
    assert b"\r" not in git(clone, "show", "HEAD:GUIDE.md").encode()
    monkeypatch.delenv("GIT_CONFIG_COUNT")
    assert lab.run("diff", str(lab.fresh()), "--exit-code").exit_code == 0, "the cache is whole"


def test_markers_are_found_beside_submodules(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`submodule.recurse` made git grep fail, which was taken for nothing found."""
    worker = lab.worker()
    (worker / "x.txt").write_text("<<<<<<< a\nb\n=======\nc\n>>>>>>> d\n")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "submodule.recurse")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    done = lab.run("status", str(worker))
    assert done.exit_code == 3
    assert "  x.txt\n" in done.stdout


# --- States that git keeps for itself ----------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("assume", "git was told to overlook changes in GUIDE.md"),
        ("skip", "A sparse checkout leaves out GUIDE.md"),
        ("lock", "Another git command is running"),
        ("intent", "uncommitted changes: new.txt"),
    ],
)
def test_odd_states_are_recognised_before_anything_changes(
    lab: Lab, state: str, message: str
) -> None:
    """An edit that git was told to overlook was erased by a rollback."""
    worker = lab.worker()
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    if state == "assume":
        git(worker, "update-index", "--assume-unchanged", "GUIDE.md")
        (worker / "GUIDE.md").write_text("my edit\n")
    elif state == "skip":
        git(worker, "update-index", "--skip-worktree", "GUIDE.md")
    elif state == "lock":
        (worker / ".git" / "index.lock").touch()
    else:
        (worker / "new.txt").write_text("mine\n")
        git(worker, "add", "--intent-to-add", "new.txt")
    before = contents(worker)
    done = lab.update(worker)
    assert done.exit_code == 1
    assert message in done.stderr
    assert contents(worker) == before
    if state == "assume":
        assert "  changed  GUIDE.md" in lab.run("status", str(worker)).stdout


def test_a_repository_of_another_user_is_explained_by_git(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its advice about safe.directory, and nothing about git init."""
    worker = lab.worker()
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "git"
    real = shutil.which("git")
    program.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec "{real}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    for command in ("update", "status", "diff"):
        done = lab.run(command, str(worker), "--offline")
        assert done.exit_code == 1
        assert "git config --global --add safe.directory" in done.stdout + done.stderr
        assert "git init" not in done.stdout + done.stderr
