"""What the worker needs to know about this integration. SQLAlchemy is imported when used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .. import Module
from .settings import DatabaseSettings

if TYPE_CHECKING:
    import typer

    from ...engine import FailedJob


def _check() -> str:
    from .lifecycle import check  # noqa: PLC0415

    return check()


def _start() -> None:
    from .lifecycle import start  # noqa: PLC0415

    start()


def _close() -> None:
    from .lifecycle import close  # noqa: PLC0415

    close()


def _on_failed(job: FailedJob) -> None:
    from .lifecycle import on_failed  # noqa: PLC0415

    on_failed(job)


def _commands(app: typer.Typer) -> None:
    from .commands import add_commands  # noqa: PLC0415

    add_commands(app)


def _warnings() -> Iterable[str]:
    from .insight import warnings  # noqa: PLC0415

    return warnings()


def _counts() -> Mapping[str, int]:
    from .insight import counts  # noqa: PLC0415

    return counts()


MODULE = Module(
    name="database",
    settings=DatabaseSettings,
    check=_check,
    start=_start,
    close=_close,
    on_failed=_on_failed,
    commands=_commands,
    warnings=_warnings,
    counts=_counts,
)
