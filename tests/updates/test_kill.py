"""An update that is killed, stopped or out of space is undone byte for byte."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import command, contents, git, limiting
from lab import Lab, commit, replaced


@pytest.fixture
def prepared(lab: Lab) -> Path:
    """A worker whose update changes, adds, deletes, conflicts and replaces what git ignores."""
    worker = lab.worker()
    commit(worker, {".gitignore": "own.txt\n/deep\n"})
    commit(worker, replaced(worker, "GUIDE.md", "guide line 3", "my line"))
    (worker / "own.txt").write_text("mine\n")
    (worker / "deep").write_text("mine, too\n")
    lab.release(
        "v0.2.0",
        {
            **lab.edit("template/GUIDE.md", "line 3", "line three"),
            "template/own.txt": "theirs\n",
            "template/deep/er/new.md": "new\n",
            "template/big.txt": "a line of many\n" * 2000,
            "template/pyproject.toml.jinja": None,
        },
    )
    return worker


@pytest.mark.timeout(300)
def test_a_kill_at_any_step_is_undone(lab: Lab, prepared: Path, tmp_path: Path) -> None:
    """Every write, move and program of an update is the last one once."""
    work = tmp_path / "work"
    work.mkdir()
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(script), str(lab.template), str(prepared), str(work)],
        env={**os.environ, "PYTHONPATH": str(script.parent.parent)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 25, "the steps were counted"


@pytest.mark.parametrize("size", [0, 1, 15000])
def test_a_file_that_was_half_written_is_undone(
    lab: Lab, prepared: Path, tmp_path: Path, size: int
) -> None:
    """Git and gen-worker were killed together while git wrote a new file."""
    copy = tmp_path / "copy" / prepared.name
    shutil.copytree(prepared, copy)
    tools = _killing_git(tmp_path, copy, size)
    with subprocess.Popen(
        command("update", str(copy), "--overwrite", template=lab.template),
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert (copy / "big.txt").stat().st_size == size
    done = lab.update(copy, "--abort")
    assert done.exit_code == 0, done.stderr
    assert contents(copy) == contents(prepared)
    assert lab.update(copy, "--overwrite").exit_code == 3


def test_an_edit_after_a_kill_is_named(lab: Lab, prepared: Path, tmp_path: Path) -> None:
    """It is not taken for half of the template's file."""
    tools = _killing_git(tmp_path, prepared, 10)
    done = subprocess.run(
        command("update", str(prepared), "--overwrite", template=lab.template),
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    (prepared / "big.txt").write_text("my own text\n")
    refused = lab.update(prepared, "--abort")
    assert refused.exit_code == 1
    assert "  big.txt\n" in refused.stderr
    assert (prepared / "big.txt").read_text() == "my own text\n"


def _killing_git(tmp_path: Path, worker: Path, size: int) -> Path:
    """Make a git that, asked to change the working tree, writes a part and kills all around it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "git"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *" read-tree -m -u "*)\n'
        f"yes 'a line of many' | head -c {size} > '{worker}/big.txt'\n"
        f"touch '{worker}/.git/gen-worker-index.lock'\nkill -9 0;; esac\n"
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    program.chmod(0o755)
    return tools


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_files_change_is_undone(
    lab: Lab, prepared: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Without `--abort`, at once."""
    before = contents(prepared)
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "git"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *" read-tree -m -u "*)\n'
        f'"{shutil.which("git")}" "$@"; touch "{tools}/started"; exec sleep 60;; esac\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    program.chmod(0o755)
    with subprocess.Popen(
        command("update", str(prepared), "--overwrite", template=lab.template),
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        end = time.monotonic() + 30
        while not (tools / "started").exists() and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "Error: Stopped; nothing was written.\n"
    assert contents(prepared) == before
    assert git(prepared, "status", "--porcelain") == ""
    assert not list((prepared / ".git").glob("*gen-worker*"))


# --- Full disks --------------------------------------------------------------------------------
def test_a_disk_without_room_is_found_before(
    lab: Lab, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says how much is missing."""
    before = contents(prepared)
    usage = shutil.disk_usage(prepared)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    done = lab.update(prepared, "--overwrite")
    assert done.exit_code == 1
    assert "has 1 kB left, and the update needs" in done.stderr
    assert contents(prepared) == before


def test_a_disk_that_fills_up_is_undone(lab: Lab, prepared: Path) -> None:
    """The system refuses a large file, in the tree or in git's folder, as a full disk would."""
    before = contents(prepared)
    for size in (40, 200, 4000, 20000):
        limit = f"{limiting(size)}; import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
        done = subprocess.run(
            command("update", str(prepared), "--overwrite", template=lab.template, before=limit),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 1, (size, done.stderr)
        assert "Traceback" not in done.stderr
        assert "damaged" not in done.stderr
        if "could not be undone yet" in done.stderr:
            assert lab.update(prepared, "--abort").exit_code == 0
        assert contents(prepared) == before, size
    assert lab.update(prepared, "--overwrite").exit_code == 3
