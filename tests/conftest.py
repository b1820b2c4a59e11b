"""What every test needs: git that does not read the machine's own settings."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import kit_worker
import node
import pytest
import rendering

# A shell that runs the tests in the background lets them ignore Ctrl-C, and so all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What is collected stays for the session: looking for garbage in it, now or later, is in vain.
gc.disable()

# The tests of the kit import this worker. Only the first process of a session renders it.
if "PYTEST_XDIST_WORKER" not in os.environ:
    kit_worker.refresh()
kit_worker.make_importable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let one process of a session compile all tests and libraries; the others find them compiled.

    On a fresh checkout compiling is two thirds of the collection, and each would do all of it.
    """
    (rendering.PROJECT / "build").mkdir(exist_ok=True)
    with (rendering.PROJECT / "build" / "collecting").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_SH)
        return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install what node needs while other tests run; one process of a session does."""
    gc.freeze()
    gc.enable()
    first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    needed = {"test_clients.py", "test_outbox_clients.py", "test_site_commands.py"}
    if first and needed & {item.path.name for item in session.items}:
        node.install_meanwhile()


@pytest.fixture(autouse=True)
def _own_git_settings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give git an identity of its own, and hide the machine's settings and any outer repository."""
    settings = tmp_path_factory.getbasetemp() / "gitconfig"
    if not settings.exists():
        settings.write_text(
            "[user]\n\tname = Tester\n\temail = tester@localhost\n"
            '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n'
        )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    # Programs under test start often: let Python keep what it compiled.
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def sample_template() -> Path:
    """The small template that has modules, a conditional question and every kind of file."""
    return Path(__file__).parent / "generator" / "sample_template"
