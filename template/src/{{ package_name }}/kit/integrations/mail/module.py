"""Mail as a module of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...module import Module
from . import close_mailer, mailer
from .settings import MailSettings

if TYPE_CHECKING:
    import typer


class MailModule(Module):
    """Lends the mailer to jobs, and adds the command `mail`."""

    name = "mail"
    settings = MailSettings

    def check(self) -> str:
        return mailer().check()

    def close(self) -> None:
        close_mailer()

    def commands(self, app: typer.Typer) -> None:
        from .commands import mail  # noqa: PLC0415 - only the command line needs it

        app.add_typer(mail, name="mail")
