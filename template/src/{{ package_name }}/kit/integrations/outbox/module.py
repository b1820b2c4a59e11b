"""The outbox as a module of the worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...module import Module, Tables
from .settings import OutboxSettings

if TYPE_CHECKING:
    import typer


class OutboxModule(Module):
    """Publishes the jobs that API servers write into their own database."""

    name = "outbox"
    settings = OutboxSettings

    def start(self) -> None:
        from .lifecycle import start  # noqa: PLC0415

        start()

    def close(self) -> None:
        from .lifecycle import close  # noqa: PLC0415

        close()

    def check(self) -> str:
        from .insight import check  # noqa: PLC0415

        return check()

    def warnings(self) -> Iterable[str]:
        from .insight import warnings  # noqa: PLC0415

        return warnings()

    def counts(self) -> Mapping[str, int]:
        from .insight import counts  # noqa: PLC0415

        return counts()

    def tables(self) -> Iterable[Tables]:
        versions = Path(__file__).parent / "migrations" / "versions"
        return (Tables(OutboxSettings().outbox_instance, versions, "worker_outbox"),)

    def commands(self, app: typer.Typer) -> None:
        from .commands import outbox  # noqa: PLC0415

        app.add_typer(outbox, name="outbox")
