"""Repositories, answers files, templates and servers of strangers: looking at them runs nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from command import contents, git
from gen_worker.fleet import status
from gen_worker.repository.git import git as ours
from lab import Lab

EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that leaves a trace when somebody runs it."""
    file = tmp_path / "program"
    file.write_text(f"#!/bin/sh\nps -o args= -p $PPID >> '{tmp_path}/ran'\ncat\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The trace."""
    return tmp_path / "ran"


def look(lab: Lab, worker: Path) -> None:
    """Run every command that only looks."""
    lab.run("fleet", "status", str(lab.workers), "--json")
    lab.run("status", str(worker))
    lab.run("diff", str(worker))
    lab.run("update", str(worker), "--dry-run")


def test_a_bare_repository_inside_of_a_clone_is_none(lab: Lab, program: Path, ran: Path) -> None:
    """A clone can hold one as plain files, with settings that name a program."""
    clone = lab.workers / "clone"
    hidden = clone / "hidden"
    shutil.copytree(lab.worker("b") / ".git", hidden)
    git(clone, "init", "--quiet")
    worker = lab.worker("c", folder=lab.folder)
    shutil.copy(worker / ".copier-answers.yml", hidden)
    for name, value in (("bare", "false"), ("worktree", str(hidden)), ("fsmonitor", str(program))):
        git(hidden, "config", "--file", "config", f"core.{name}", value)
    look(lab, hidden)
    assert not ran.exists()


def test_looking_runs_nothing_that_a_repository_names(lab: Lab, program: Path, ran: Path) -> None:
    """Monitors, filters, diff drivers, hooks, transports of a stranger's .git."""
    worker = lab.worker()
    (worker / ".gitattributes").write_text("* filter=evil diff=evil\n")
    git(worker, "add", "--all")
    git(worker, "commit", "--quiet", "--message", "Attributes")
    settings = {
        "core.fsmonitor": str(program),
        "filter.evil.clean": str(program),
        "filter.evil.smudge": str(program),
        "filter.evil.process": str(program),
        "filter.evil.required": "true",
        "diff.evil.command": str(program),
        "diff.evil.textconv": str(program),
        "diff.external": str(program),
        "core.sshCommand": str(program),
        "core.pager": str(program),
        "core.editor": str(program),
        "gpg.program": str(program),
        "remote.origin.url": f"ext::{program}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": str(program),
        "core.hooksPath": str(program.parent / "hooks"),
        "merge.evil.driver": str(program),
        "credential.helper": str(program),
    }
    for name, value in settings.items():
        git(worker, "config", name, value)
    hooks = program.parent / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc"):
        shutil.copy(program, hooks / hook)
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    with (worker / "GUIDE.md").open("a") as opened:
        opened.write("my line\n")
    ran.unlink(missing_ok=True)
    look(lab, worker)
    done = lab.run("fleet", "update", str(lab.workers), "--test", "")
    assert done.exit_code == 0, done.stdout
    assert not ran.exists(), ran.read_text()


@pytest.mark.parametrize(
    "command",
    [
        ("read-tree", "HEAD"),
        ("update-index", "--add", "--cacheinfo", f"100644,{EMPTY_BLOB},new.txt"),
        ("add", "--update", "--", "."),
        ("status", "--porcelain"),
        ("diff-files", "-p"),
        ("write-tree",),
    ],
    ids=lambda command: command[0],
)
def test_a_file_changed_in_the_second_of_its_index_runs_no_filter(
    lab: Lab, program: Path, ran: Path, command: tuple[str, ...]
) -> None:
    """Git then compares by content, through the filter, also where it only writes an index."""
    worker = lab.worker()
    (worker / ".gitattributes").write_text("* filter=evil\n")
    for path in worker.glob("*.*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    git(worker, "add", "--all")
    os.utime(worker / ".git/index", (1_700_000_000, 1_700_000_000))
    git(worker, "config", "filter.evil.clean", str(program))
    ours(worker, *command)
    assert not ran.exists(), ran.read_text()


def _above(worker: Path, text: str) -> None:
    """A broken repository in the worker: git takes the one above."""
    shutil.rmtree(worker / ".git")
    git(worker.parent, "init", "--quiet")
    git(worker.parent, "add", "--all")
    git(worker, "init", "--quiet")
    shutil.rmtree(worker / ".git" / "refs")
    _append(worker.parent / ".git" / "config", text)


def _common(worker: Path, text: str) -> None:
    """The settings lie in another folder, as those of a second working tree."""
    shutil.copytree(worker / ".git", worker.parent / ".common")
    (worker / ".git" / "commondir").write_text("../../.common\n")
    _append(worker.parent / ".common" / "config", text)


def _included(worker: Path, text: str) -> None:
    (worker / ".git" / "more").write_text(text)
    _append(worker / ".git" / "config", "[Include]\npath = more\n")


def _of_working_tree(worker: Path, text: str) -> None:
    git(worker, "config", "extensions.worktreeConfig", "true")
    (worker / ".git" / "config.worktree").write_text(text)


def _users(_worker: Path, text: str) -> None:
    _append(Path(os.environ["GIT_CONFIG_GLOBAL"]), text)


def _users_for_some(worker: Path, text: str) -> None:
    (worker.parent / ".more").write_text(text)
    condition = f'[includeIf "gitdir:{worker}/"]\npath = {worker.parent / ".more"}\n'
    _append(Path(os.environ["GIT_CONFIG_GLOBAL"]), condition)


def _append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


@pytest.mark.parametrize(
    "define",
    [_above, _common, _included, _of_working_tree, _users, _users_for_some],
    ids=lambda define: define.__name__,
)
def test_no_filter_runs_wherever_it_is_defined(
    lab: Lab,
    program: Path,
    ran: Path,
    define: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`fleet status` asks git for filters where a look at the repository does not tell them."""
    worker = lab.worker()
    users = shutil.copy(os.environ["GIT_CONFIG_GLOBAL"], ran.with_name("settings"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(users))
    (worker / ".gitattributes").write_text("* filter=evil\n")
    define(worker, f'[FILTER "evil"]\nclean = {program}\n')
    for path in worker.glob("*.*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    lab.run("fleet", "status", str(worker))
    assert not ran.exists(), ran.read_text()
    git(worker, "status", "--porcelain")
    assert ran.exists()


def test_an_update_runs_the_owners_filters(lab: Lab, program: Path, ran: Path) -> None:
    """Its owner asked for the change by its path."""
    worker = lab.worker()
    (worker / ".gitattributes").write_text("*.md filter=mine\n")
    git(worker, "config", "filter.mine.smudge", str(program))
    git(worker, "add", "--all")
    git(worker, "commit", "--quiet", "--message", "Attributes")
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    ran.unlink(missing_ok=True)
    assert lab.update(worker, "--commit").exit_code == 0
    assert ran.exists()


# --- Answers files -----------------------------------------------------------------------------
BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "uses YAML aliases"),
        (f"padding: {'x' * 20_000_000}\n", "has more than 64000 characters"),
    ],
    ids=["bomb", "large"],
)
def test_an_answers_file_is_bounded(lab: Lab, text: str, message: str) -> None:
    """It ends, and little is printed."""
    worker = lab.worker()
    with (worker / ".copier-answers.yml").open("a") as opened:
        opened.write(text)
    done = lab.run("fleet", "status", str(lab.workers))
    assert message in done.stdout
    assert len(done.stdout) < 5000


def test_what_an_answers_file_holds_is_printed_safely(lab: Lab) -> None:
    """No escapes reach the terminal, no password is shown."""
    worker = lab.worker()
    file = worker / ".copier-answers.yml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith("_")]
    hostile = r'_commit: "v9\e]0;owned\a"' + "\n_src_path: https://me:secret@localhost:1/x.git\n"
    file.write_text("\n".join([*kept, hostile]))
    for arguments in (("fleet", "status", str(lab.workers)), ("status", str(worker), "--json")):
        done = lab.run(*arguments)
        shown = done.stdout + done.stderr
        assert "\x1b]" not in shown
        assert "\a" not in shown
        assert "secret" not in shown
        assert "https://***@localhost:1/x.git" in shown


# --- Servers -----------------------------------------------------------------------------------
@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def hold() -> None:
            while True:
                try:
                    held.append(server.accept())
                except OSError:
                    return

        Thread(target=hold, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/template.git"
        server.close()
        for connection, _ in held:
            connection.close()


def test_a_silent_server_holds_nobody_up(
    lab: Lab, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are shown, and those of that server say why; it is asked once."""
    monkeypatch.setattr(status, "FETCH_SECONDS", 1)
    lab.worker("fine")
    for number in range(4):
        worker = lab.worker(f"w{number}")
        file = worker / ".copier-answers.yml"
        kept = [line for line in file.read_text().splitlines() if not line.startswith("_")]
        file.write_text("\n".join([*kept, "_commit: abcdef1", f"_src_path: git+{silent_server}"]))
    start = time.monotonic()
    done = lab.run("fleet", "status", str(lab.workers), "--json")
    assert time.monotonic() - start < 15
    found = {Path(one["path"]).name: one for one in json.loads(done.stdout)["repositories"]}
    assert found["worker-fine"]["problem"] is None
    for number in range(4):
        assert "no answer within 1 seconds" in found[f"worker-w{number}"]["problem"]


# --- Templates ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "template/x.jinja",
            "{{ '$HOME' | expandvars }}",
            "gen-worker refuses: expandvars",
        ),
        ("template/x.jinja", "{{ '~' | expanduser }}", "filter that gen-worker refuses"),
        ("template/x.jinja", "{{ '/etc/*' | fileglob }}", "filter that gen-worker refuses"),
        ("template/x.jinja", "{{ 1 / 0 }}", "cannot be rendered: division by zero"),
        ("template/x.jinja", "{% include 'template/x.jinja' %}", "cannot be rendered"),
        ("template/x.jinja", "{{ range(10 ** 9) | list }}", "cannot be rendered"),
        ("template/x.jinja", "{{ now() }}", "uses a wrong name"),
        ("template/{{ 1 / 0 }}", "x", "cannot render"),
        ("template/a.jinja", None, "twice"),
    ],
)
def test_an_odd_file_of_a_template_is_refused(
    lab: Lab, name: str, content: str | None, message: str
) -> None:
    """In one sentence, and nothing is changed."""
    worker = lab.worker()
    before = contents(worker)
    if content is None:
        lab.release("v0.2.0", {"template/{{ 'a' }}": "x", "template/{{ 'a' * 1 }}": "x"})
    else:
        lab.release("v0.2.0", {name: content})
    done = lab.update(worker)
    assert done.exit_code == 1
    assert message in done.stderr
    assert contents(worker) == before


@pytest.mark.parametrize(
    "change",
    [
        "_exclude: 5\n",
        "_exclude: [1]\n",
        "_envops: 3\n",
        "_envops: {undefined: [1]}\n",
        "_subdirectory: [a]\n",
        "_subdirectory: nowhere\n",
        "_templates_suffix: 3\n",
        "odd: 5\n",
        "odd: [type]\n",
        "odd: {type: 5}\n",
        "odd: {type: str, choices: 5}\n",
        "odd: {type: str, choices: '{{ [', default: x}\n",
        "odd: {type: str, choices: '3', default: x}\n",
        "odd: {type: str, validator: 3, default: x}\n",
        "odd: {type: int, default: many}\n",
        "made: 2026-13-45\n",
        "5: [type]\n",
        "catalog: {type: yaml, when: false, default: 5}\n",
        "catalog: {type: yaml, when: false, default: 'presets: 3'}\n",
        "!!python/object/apply:os.system ['true']\n",
        f"deep: {'[' * 5000}\n",
        "---\n- a\n---\n!include copier.yml\n",
    ],
)
def test_an_odd_copier_yml_is_refused(lab: Lab, change: str) -> None:
    """In one sentence, not by a traceback."""
    worker = lab.worker()
    text = (lab.template / "copier.yml").read_text()
    key = change.partition(":")[0]
    if f"\n{key}:" in f"\n{text}":  # the last one would win in YAML; ours must be alone
        start = f"\n{text}".index(f"\n{key}:")
        rest = text[start:]
        lines = rest.splitlines(keepends=True)
        end = next((n for n, line in enumerate(lines[1:], 1) if line[:1] not in " \n-"), len(lines))
        text = text[:start] + "".join(lines[end:])
    lab.release("v0.2.0", {"copier.yml": f"{text}\n{change}"})
    done = lab.update(worker)
    assert done.exit_code in {1, 2}, done.stdout
    assert done.stderr.startswith("Error: ")


def test_an_include_follows_no_link_out_of_the_template(lab: Lab, tmp_path: Path) -> None:
    """Also in a template that lies there as plain files."""
    (tmp_path / "secret").write_text("the secret")
    (lab.template / "partials").mkdir(exist_ok=True)
    (lab.template / "partials" / "link").symlink_to(tmp_path / "secret")
    (lab.template / "template" / "x.jinja").write_text("{% include 'partials/link' %}")
    done = lab.run("payment", "--dir", str(tmp_path / "new"), "--no-git")
    assert done.exit_code == 1
    assert "leads out of its folder: partials/link" in done.stderr
    assert not (tmp_path / "new").exists()
