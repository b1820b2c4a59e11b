"""`mail`: commands for people who write mail templates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...texts import say

mail = typer.Typer(no_args_is_help=True)


@mail.callback()
def _root() -> None:
    """Look at mail templates."""


@mail.command()
def preview(
    template: Annotated[str, typer.Argument(help="Its folder below the folder of templates.")],
    data: Annotated[
        str | None, typer.Option(help="Values as JSON; by default its example.json.")
    ] = None,
    to: Annotated[str, typer.Option(help="The recipient it shows.")] = "Kim <kim@example.com>",
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to; by default build/mail/TEMPLATE.")
    ] = None,
) -> None:
    """Write a rendered mail to files. Nothing is sent, and no server needs to be known."""
    # Imported late: every command of the worker loads this file.
    from .address import Address  # noqa: PLC0415
    from .preview import example_data, parse_data, write_preview  # noqa: PLC0415
    from .settings import TemplateSettings  # noqa: PLC0415
    from .templates import MailTemplates  # noqa: PLC0415

    templates = MailTemplates(TemplateSettings().mail_template_dir)
    values = example_data(templates, template) if data is None else parse_data(data, "--data")
    written = write_preview(
        templates, template, values, Address.parse(to), out or Path("build/mail") / template
    )
    for path in written:
        typer.echo(say("wrote {path}", path=path))
