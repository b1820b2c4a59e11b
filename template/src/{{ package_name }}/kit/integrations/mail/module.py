"""What the worker needs to know about mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import Module
from . import close_mailer, mailer
from .settings import MailSettings

if TYPE_CHECKING:
    import typer


def _commands(app: typer.Typer) -> None:
    from .commands import mail  # noqa: PLC0415 - only the command line needs it

    app.add_typer(mail, name="mail")


MODULE = Module(
    name="mail",
    settings=MailSettings,
    check=lambda: mailer().check(),
    close=close_mailer,
    commands=_commands,
)
