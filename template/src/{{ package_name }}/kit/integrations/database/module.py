"""The database as a module of the worker. SQLAlchemy is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...module import Module
from .settings import DatabaseSettings

if TYPE_CHECKING:
    import typer
    from redis import Redis

    from ...engine import FailedJob
    from ...failed import FailedJobs


class DatabaseModule(Module):
    """Checks the schema at start, keeps failed jobs, and adds the command `db`."""

    name = "database"
    settings = DatabaseSettings

    def check(self) -> str:
        from .lifecycle import check  # noqa: PLC0415

        return check()

    def start(self) -> None:
        from .lifecycle import start  # noqa: PLC0415

        start()

    def close(self) -> None:
        from .lifecycle import close  # noqa: PLC0415

        close()

    def failed(self, job: FailedJob) -> None:
        from .lifecycle import on_failed  # noqa: PLC0415

        on_failed(job)

    def failed_jobs(self, connection: Redis, queues: Sequence[str], who: str) -> FailedJobs:
        from .instances import instances  # noqa: PLC0415
        from .replay import RecordedFailedJobs  # noqa: PLC0415

        return RecordedFailedJobs(instances(), connection, queues, who)

    def prepare_test(self, folder: Path) -> Mapping[str, str]:
        from .testing import prepare  # noqa: PLC0415

        return prepare(folder)

    def commands(self, app: typer.Typer) -> None:
        from .commands import add_commands  # noqa: PLC0415

        add_commands(app)

    def warnings(self) -> Iterable[str]:
        from .insight import warnings  # noqa: PLC0415

        return warnings()

    def counts(self) -> Mapping[str, int]:
        from .insight import counts  # noqa: PLC0415

        return counts()
