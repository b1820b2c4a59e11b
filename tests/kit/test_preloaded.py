"""A program that starts with the libraries loaded is one that an interpreter has just started."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest
from preloaded import READ_AT_START, PreloadedProgram, run_preloaded

SHOW = (
    "import json, os, sys; print(json.dumps({"
    "'argv': sys.argv, 'cwd': os.getcwd(), 'here': sorted(os.environ), 'path': sys.path[:2],"
    "'own': [name for name in sys.modules if name.startswith('worker_payment')]}))"
)

FULL = "import io, os, sys; Full = type('Full', (io.StringIO,), {'flush': lambda _: os.fsync(-1)})"


def test_arguments_environment_and_folder_are_its_own(tmp_path):
    kept = {name: os.environ[name] for name in os.environ if name.startswith(READ_AT_START)}
    environment = kept | {"ONLY": "this", "PYTHONPATH": "/somewhere"}
    script = tmp_path / "show.py"
    script.write_text(SHOW)
    for arguments, first in ((["-c", SHOW], ""), ([str(script)], str(tmp_path))):
        done = run_preloaded([*arguments, "one", "--two"], cwd=tmp_path, env=environment)
        assert json.loads(done.stdout) == {
            "argv": [arguments[0], "one", "--two"],
            "cwd": str(tmp_path),
            "here": sorted(environment),
            "path": [first, "/somewhere"],
            "own": [],
        }


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("pass", 0),
        ("raise SystemExit(5)", 5),
        ("raise SystemExit('a text')", 1),
        ("raise ValueError", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import sys; sys.stdout.close()", 0),
        (f"{FULL}; sys.stdout = Full()", 120),  # as the interpreter has it
        ("import os; os._exit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import warnings; warnings.warn('x')", 0),
    ],
)
def test_it_ends_as_its_code_says(code, ended):
    assert run_preloaded(["-c", code]).returncode == ended


def test_it_ends_after_its_threads_and_what_is_registered():
    code = (
        "import atexit, threading, time\natexit.register(print, 'registered')\n"
        "def work():\n    time.sleep(0.1)\n    print('thread')\n"
        "threading.Thread(target=work).start()\nleft = [open('/dev/null')]\n"
        "left.append(left)\ndel left\nprint('main')"
    )
    done = run_preloaded(["-W", "always", "-c", code])
    assert done.stdout.split() == ["main", "thread", "registered"]
    assert "ResourceWarning" in done.stderr


def test_its_path_is_absolute(tmp_path):
    environment = os.environ | {"PYTHONPATH": "src"}
    show = "import sys; print(sys.path[1])"
    done = run_preloaded(["-c", show], cwd=tmp_path, env=environment)
    assert done.stdout == f"{tmp_path / 'src'}\n"


def test_warnings_may_be_errors():
    done = run_preloaded(["-W", "error", "-c", "import warnings; warnings.warn('odd')"])
    assert (done.returncode, "UserWarning: odd" in done.stderr) == (1, True)


def test_it_takes_signals_and_is_watched_while_it_runs():
    code = "import time; print('up', flush=True); time.sleep(60)"
    process = PreloadedProgram(["-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with process.stdout as lines:
        assert lines.readline() == "up\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM
    process.kill()  # nothing is left to end


def test_what_is_read_at_the_start_asks_for_a_process_of_its_own():
    with pytest.raises(AssertionError, match="PYTHONUTF8 is read at the start"):
        run_preloaded(["-c", "pass"], env=os.environ | {"PYTHONUTF8": "0"})


def test_its_streams_are_those_of_its_own_files():
    """A pipe cannot seek, whatever the first file of the process that forks was."""
    show = "import sys; print(sys.stdin.read(), sys.stdout.seekable(), sys.stdin.isatty())"
    reading, writing = os.pipe()
    os.write(writing, b"asked")
    os.close(writing)
    process = PreloadedProgram(["-c", show], stdin=reading, stdout=subprocess.PIPE)
    os.close(reading)
    with process.stdout as lines:
        assert lines.read() == "asked False False\n"
    assert process.wait(10) == 0
