"""All or nothing: no failure leaves anything behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import command, limiting, run
from gen_worker.errors import TargetError, explain
from gen_worker.new.write import check_target, write
from gen_worker.template.render import File

FILES = [
    File("src/a.py", b"a = 1\n", executable=False),
    File("run.sh", b"#!/bin/sh\n", executable=True),
]
UNWRITABLE = next(path for path in (Path("/sys"), Path("/System")) if path.is_dir())


def wait_for(path: Path, seconds: float = 30) -> None:
    """Wait until a file appears."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def nothing(_folder: Path) -> None:
    """Finish without doing anything."""


def test_a_repository_appears_whole(tmp_path: Path) -> None:
    """Content and modes are there, the umask has had its share, no temporary folder is left."""
    target = tmp_path / "worker-x"
    before = os.umask(0o027)
    try:
        assert write(FILES, target, lambda folder: folder.name[:10]) == ".worker-x-"
    finally:
        os.umask(before)
    assert (target / "src" / "a.py").read_bytes() == b"a = 1\n"
    assert target.stat().st_mode & 0o777 == 0o750
    assert (target / "src" / "a.py").stat().st_mode & 0o777 == 0o640
    assert (target / "run.sh").stat().st_mode & 0o777 == 0o750
    assert [path.name for path in tmp_path.iterdir()] == ["worker-x"]


def test_an_empty_folder_is_taken_over(tmp_path: Path) -> None:
    """Somebody may have made the folder first."""
    (tmp_path / "worker-x").mkdir()
    write(FILES, tmp_path / "worker-x", nothing)
    assert (tmp_path / "worker-x" / "run.sh").exists()


def test_what_exists_is_refused_and_untouched(tmp_path: Path) -> None:
    """A folder with something in it, a file, a link, a file in the place of a parent."""
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for target in (full, tmp_path / "file", tmp_path / "link", tmp_path / "file" / "where"):
        with pytest.raises(TargetError):
            check_target(target)
    assert (full / "mine.txt").read_text() == "mine"


def test_a_target_filled_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """The last step is one rename, which the system refuses; what was rendered goes away."""
    target = tmp_path / "worker-x"

    def somebody_else(_folder: Path) -> None:
        target.mkdir()
        (target / "theirs.txt").write_text("theirs")

    with pytest.raises(TargetError, match="not empty"):
        write(FILES, target, somebody_else)
    assert [path.name for path in tmp_path.iterdir()] == ["worker-x"]
    assert (target / "theirs.txt").read_text() == "theirs"


def test_a_failing_last_step_leaves_nothing(tmp_path: Path) -> None:
    """What git breaks is cleaned up too."""

    def fail(_folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space") as caught:
        write(FILES, tmp_path / "worker-x", fail)
    assert not list(tmp_path.iterdir())
    failure = explain(caught.value)
    assert failure is not None
    assert failure.sentence == "Nothing was written: no space is left on the disk."


def test_signal_handlers_are_put_back(tmp_path: Path) -> None:
    """A caller's handlers survive a run."""
    before = signal.getsignal(signal.SIGTERM)
    write(FILES, tmp_path / "worker-x", nothing)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_disk_that_takes_no_more_leaves_nothing(tmp_path: Path, sample_template: Path) -> None:
    """The system refuses a write in the middle (a file-size limit, as a full disk would)."""
    words = ("payment", "--no-git")
    done = run(*words, cwd=tmp_path, template=sample_template, before=limiting(40))
    assert done.returncode == 1
    assert done.stdout == ""
    assert (
        done.stderr == "Error: Nothing was written: a file would be larger than the limit allows.\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_parent_where_nobody_may_write_is_one_sentence(
    tmp_path: Path, sample_template: Path
) -> None:
    """The system's own read-only folder refuses even root."""
    done = run(
        "payment", "--no-git", "--dir", str(UNWRITABLE), cwd=tmp_path, template=sample_template
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Nothing was written: ")
    assert done.stderr.count("\n") == 1
    assert not list(UNWRITABLE.glob("*worker-payment*"))


def test_a_parent_that_is_a_file_is_one_sentence(tmp_path: Path, sample_template: Path) -> None:
    """Also one further up."""
    (tmp_path / "file").write_text("mine")
    for parent in ("file", "file/deep/er"):
        done = run("payment", "--dir", parent, cwd=tmp_path, template=sample_template)
        assert done.returncode == 1
        assert done.stderr == f"Error: {tmp_path / 'file'} is not a folder.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_missing_parent_is_made(tmp_path: Path, sample_template: Path) -> None:
    """And goes again if the run fails."""
    done = run("payment", "--dir", "a/b", "--no-git", cwd=tmp_path, template=sample_template)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a" / "b" / "worker-payment").is_dir()
    files = [File("x", b"x", executable=False)]

    def fail(_: Path) -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write(files, tmp_path / "c" / "d" / "worker", fail)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_run_leaves_nothing(
    tmp_path: Path, sample_template: Path, number: signal.Signals
) -> None:
    """A real signal in the middle of the first commit: nothing is written, exit code 130."""
    work, tools = tmp_path / "work", tmp_path / "tools"
    work.mkdir()
    tools.mkdir()
    slow_git = tools / "git"
    slow_git.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *" commit --quiet "*) touch "{tools}/started"; exec sleep 60;; esac\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    slow_git.chmod(0o755)
    with subprocess.Popen(
        command("payment", template=sample_template),
        cwd=work,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            wait_for(tools / "started")
            assert list(work.iterdir()), "the repository is being written"
            os.killpg(process.pid, number)
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert (stdout, stderr) == ("", "Error: Stopped; nothing was written.\n")
    assert not list(work.iterdir())


def test_a_defect_keeps_its_traceback() -> None:
    """Only expected failures become a sentence."""
    assert explain(ValueError("a bug")) is None
    assert sys.exc_info() == (None, None, None)
