"""A module: what the worker needs to know about an integration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .engine.errors import JobError
from .engine.job.observers import Observer
from .texts import say

if TYPE_CHECKING:
    import typer
    from pydantic_settings import BaseSettings
    from redis import Redis
    from structlog.typing import Processor

    from .failed import FailedJobs


class UnusableError(JobError):
    """An integration cannot be used as it is configured, and waiting is no cure."""


class Tables(NamedTuple):
    """Tables that a module wants the database's module to make.

    Args:
        instance: Where: the name of one of the databases.
        versions: The folder of their Alembic migrations.
        makes: The table by which it is seen that another program has made them already.
    """

    instance: str
    versions: Path
    makes: str


class Module(Observer):
    """Base of modules: each overrides what it has to say or to do.

    `module.py` of an integration must stay cheap to import: every command of the worker loads
    it. The vendor's library is imported where it is used. As an observer, a module can also
    watch jobs.

    Attributes:
        name: As `gen-worker --with` calls it.
        settings: Its variables; None when it has none.
        log_processor: Sees every log line, secrets already gone, in the thread that logs.
    """

    name: str
    settings: type[BaseSettings] | None = None
    log_processor: Processor | None = None

    def prepare(self) -> None:
        """Called when the worker starts, before the processors and their libraries are loaded."""

    def start(self) -> None:
        """Called before the worker takes jobs.

        Raises:
            OutageError: What the module needs is away; it is called again until it is there.
            UnusableError: Waiting is no cure; the worker leaves with an exit code of its own.
        """

    def close(self) -> None:
        """Close connections. Called when the worker stops."""

    def check(self) -> str:
        """Reach the other side, and describe it in a sentence. Any exception is a failure."""
        return say("nothing to reach")

    def warnings(self) -> Iterable[str]:
        """List what works but needs attention, a sentence each, for `check`."""
        return ()

    def counts(self) -> Mapping[str, int]:
        """Count something for `stats`: a number by name."""
        return {}

    def failed_jobs(self, connection: Redis, queues: Sequence[str], who: str) -> FailedJobs | None:  # noqa: ARG002 - see the override
        """Return the list of failed jobs, if the module keeps it instead of Redis.

        Args:
            connection: Client of the queues' Redis.
            queues: The worker's queues.
            who: Recorded with every change.
        """
        return None

    def tables(self) -> Iterable[Tables]:
        """List the tables that the module brings; the module `database` makes them."""
        return ()

    def prepare_test(self, folder: Path) -> Mapping[str, str]:  # noqa: ARG002 - see the override
        """Make what a test needs instead of the other side, and return the variables for it."""
        return {}

    def commands(self, app: typer.Typer) -> None:
        """Add commands to the command line."""
