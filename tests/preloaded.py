"""Python programs that start with the libraries loaded.

Loading the libraries takes most of the processor time of a worker's start. So one process of a test
session loads them, and the kit of the worker under test, and forks for each program. A program of
another worker loads its own kit; every program loads the owner's modules. A test of the start
itself, or of an environment that the interpreter or a library reads at its start, starts a process
of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_LIBRARIES = (
    *("alembic.autogenerate", "alembic.command", "asyncio", "boto3.session", "croniter"),
    *("firebase_admin.messaging", "h2.connection", "httpcore", "httpx", "jinja2", "logging.config"),
    *("mypy.main", "psycopg", "pydantic.mypy", "pydantic_settings", "pymysql", "pytest"),
    *("redis.asyncio", "redis.sentinel", "requests", "rich.console", "rq.worker", "sentry_sdk"),
    *("sqlalchemy.dialects.mysql", "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite"),
    *("sqlalchemy.orm", "structlog", "typer"),
)
# What the interpreter and these libraries read when they start.
READ_AT_START = ("LANG", "LC_", "OTEL_PROPAGATORS", "OTEL_PYTHON_", "PYTHON")
_PACKAGE = "worker_payment"
_NOT_LOADED = (".__main__", ".migrations.", ".testing.")  # parts of names of the kit's modules
_SET_BY_PROGRAM = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}


class PreloadedProgram:
    """A program under way, with the part of `subprocess.Popen` that tests use."""

    def __init__(  # noqa: PLR0913 - as Popen has them
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: IO[Any] | int | None = None,
        stderr: IO[Any] | int | None = None,
        stdin: IO[Any] | int | None = None,
    ) -> None:
        """Start it.

        Args:
            arguments: Those of Python: perhaps `-W error`, then `-c CODE`, `-m MODULE` or a file.
            cwd: Its working directory.
            env: Its environment.
            stdout: A file, or `subprocess.PIPE` for a stream of text.
            stderr: A file, or `subprocess.STDOUT`.
            stdin: A file.
        """
        asked = {
            "arguments": [str(each) for each in arguments],
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
        }
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self._ended, ended = os.pipe()
        opened = [ended]
        if stdout == subprocess.PIPE:
            reading, stdout = os.pipe()
            self.stdout = os.fdopen(reading, encoding="utf-8")
            opened.append(stdout)
        elif stdout == subprocess.DEVNULL:
            stdout = os.open(os.devnull, os.O_WRONLY)
            opened.append(stdout)
        out = _number(stdout, 1)
        err = out if stderr == subprocess.STDOUT else _number(stderr, 2)
        self.pid = _nursery().start(asked, [_number(stdin, 0), out, err, ended])
        for each in opened:
            os.close(each)

    def fileno(self) -> int:
        """Return a file that can be read once it has ended."""
        return self._ended

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._code(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code."""
        code = self._code(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _code(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], timeout)[0]:
            self.returncode = int(os.read(self._ended, 16))
            os.close(self._ended)
        return self.returncode


def run_preloaded(
    arguments: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, and return what it printed."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = PreloadedProgram(arguments, cwd=cwd, env=env, stdout=out, stderr=err).wait()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read(), err.read())


def _number(file: IO[Any] | int | None, default: int) -> int:
    if file is None:
        return default
    return file if isinstance(file, int) else file.fileno()


class _Nursery:
    """The process that forks, seen from the tests."""

    def __init__(self) -> None:
        # Not above: the process that forks must not have what it loads.
        from kit_worker import kit_worker

        self._lock = threading.Lock()
        self._environment = {
            name: value for name, value in os.environ.items() if name not in _SET_BY_PROGRAM
        }
        self._channel, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(other.fileno()), str(kit_worker() / "src")],
                pass_fds=[other.fileno()],
                env=self._environment,
            )
        atexit.register(self.close)

    def start(self, asked: dict[str, Any], files: list[int]) -> int:
        """Start a program; the last file gets its exit code. Return its process id."""
        for name in self._environment.keys() | asked["env"].keys():
            if name.startswith(READ_AT_START) and name not in _SET_BY_PROGRAM:
                assert self._environment.get(name) == asked["env"].get(name), (
                    f"{name} is read at the start: the program needs a process of its own"
                )
        with self._lock:
            socket.send_fds(self._channel, [f"{json.dumps(asked)}\n".encode()], files)
            return int(self._channel.recv(16))

    def close(self) -> None:
        """End it."""
        self._channel.close()
        self._process.wait()


@functools.cache
def _nursery() -> _Nursery:
    return _Nursery()


def _serve(channel: socket.socket) -> dict[str, Any]:
    """Fork for each program asked for; the fork returns with what it has to do."""
    running: dict[int, int] = {}
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready = select.select([channel.fileno(), wake], [], [])[0]
        if wake in ready:
            os.read(wake, 4096)
            _tell_ends(running)
        if channel.fileno() not in ready:
            continue
        text, files, *_ = socket.recv_fds(channel, 1 << 20, 4)
        if not text:
            os._exit(0)  # the tests have ended
        while not text.endswith(b"\n"):
            text += channel.recv(1 << 20)
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for target in range(3):
                os.dup2(files[target], target)
            for each in (*files, *running.values(), wake, woken):
                os.close(each)
            channel.close()
            return dict(json.loads(text))
        running[child] = files[3]
        for each in files[:3]:
            os.close(each)
        channel.send(str(child).encode())


def _tell_ends(running: dict[int, int]) -> None:
    """Write the exit code of each that has ended to the file that waits for it."""
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        ended = running.pop(child)
        os.write(ended, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(ended)


def _load_kit(source: str) -> None:
    """Load the kit of the worker under test, which registers nothing."""
    sys.path.insert(0, source)
    kit = importlib.import_module(f"{_PACKAGE}.kit")
    for found in pkgutil.walk_packages(kit.__path__, f"{kit.__name__}."):
        if not any(part in f"{found.name}." for part in _NOT_LOADED):
            importlib.import_module(found.name)
    sys.path.remove(source)
    _complete_models(importlib.import_module("pydantic").BaseModel)


def _complete_models(base: Any) -> None:
    """Build the validators of all models, which each program would do on their first use."""
    for model in base.__subclasses__():
        model.model_rebuild(raise_errors=False)
        _complete_models(model)


def _forget(*packages: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


def _become(asked: dict[str, Any], source: str, filters: list[Any]) -> None:
    """Be the interpreter that has just started with these arguments."""
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        _open_again(number, name)
    kind, *arguments = asked["arguments"]
    if (kind, *arguments[:1]) == ("-m", "pytest"):
        _forget("anyio", "httpcore")  # pytest rewrites its plugins as it loads them
    warnings.filters[:] = filters  # type: ignore[index]
    if kind == "-W":
        warnings.simplefilter(arguments[0])
        kind, *arguments = arguments[1:]
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if "RQ_KEY_PREFIX" in os.environ:  # RQ and the kit read it when they are loaded
        _forget(_PACKAGE, "rq")
    elif source not in path:
        _forget(_PACKAGE)
    # As absolute paths: a program that this one starts elsewhere may get them handed on.
    sys.path[0:1] = ["", *map(os.path.abspath, filter(None, path))]
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
    sys.argv = [kind, *arguments[1:]]
    if kind == "-c":
        exec(compile(arguments[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - its task
    elif kind == "-m":
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *arguments]
        sys.path[0] = str(Path(kind).parent)
        runpy.run_path(kind, run_name="__main__")


def _leave(code: int) -> None:
    """End as the interpreter does, except that nothing is taken apart: that took most of the time.

    Returns:
        Where something cannot be written: the interpreter knows what to say then.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as the interpreter does
    atexit._run_exitfuncs()  # noqa: SLF001 - likewise
    gc.collect()  # what the program has left open is told
    with contextlib.suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)


def _open_again(number: int, name: str) -> None:
    """Make a standard stream anew: the one at hand has kept whether its first file could seek."""
    old = getattr(sys, name)
    buffering = 0 if number and old.write_through else -1
    file = open(number, "wb" if number else "rb", buffering, closefd=False)  # noqa: SIM115
    line_buffering = name == "stderr" or file.isatty()
    stream = io.TextIOWrapper(
        file, old.encoding, old.errors, None, line_buffering, write_through=old.write_through
    )
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    usual = list(warnings.filters)
    warnings.simplefilter("error")
    gc.disable()  # what is loaded stays: looking for garbage in it is in vain
    for library in _LIBRARIES:
        importlib.import_module(library)
    _load_kit(sys.argv[2])
    gc.freeze()
    gc.enable()
    try:
        _become(_serve(socket.socket(fileno=int(sys.argv[1]))), sys.argv[2], usual)
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise  # the interpreter prints it
        _leave(ended.code or 0)
    _leave(0)
