"""The command line. Everything slow is imported by the command that needs it.

Modules with commands leave out `from __future__ import annotations`: of annotations that are texts
Typer evaluates each several times, which takes five times as long for every start.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gen_worker.cli import fleet, update
from gen_worker.cli.client import client
from gen_worker.cli.command import Command
from gen_worker.cli.console import (
    SETTINGS,
    accept_any_text,
    catalog,
    discard_output,
    echo,
    explained,
    say,
)
from gen_worker.cli.default_command import DEFAULT, DefaultCommand, DefaultCommandGroup
from gen_worker.cli.new import new
from gen_worker.errors import OutputError

app = typer.Typer(
    cls=DefaultCommandGroup,
    context_settings=SETTINGS,
    rich_markup_mode=None,  # rich would double the start-up time
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


def main(template: Path | None = None) -> None:
    """Run the program.

    Args:
        template: The template to use; the generator's own when not given.
    """
    accept_any_text()
    try:
        app(prog_name="gen-worker", obj=template)
    except OSError as error:  # commands explain their own
        discard_output()
        say("Error", f"The help could not be printed: {error.strerror}.", "red")
        sys.exit(OutputError.exit_code)


def _print_version(value: bool) -> None:
    if value:
        from gen_worker.versions.origin import version

        echo(f"gen-worker {version()}")
        raise typer.Exit


@app.callback()
def program(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Make a git repository that holds one background worker, ready to run.

    \b
    Example:
      gen-worker payment                        make ./worker-payment
      gen-worker billing --preset payment       another name, same preset
      gen-worker list                           show presets and modules

    On a terminal gen-worker asks for what the options leave open. --yes takes the defaults.
    """


@app.command("list", cls=Command, context_settings=SETTINGS)
def list_catalog(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the presets and modules."""
    with explained(as_json=as_json):
        from gen_worker.cli.report_new import catalog_json, catalog_text

        found = catalog(ctx)
        echo((catalog_json if as_json else catalog_text)(found))


app.command(DEFAULT, cls=DefaultCommand, hidden=True, context_settings=SETTINGS)(new)
app.command("update", cls=Command, context_settings=SETTINGS)(update.update)
app.command("add", cls=Command, context_settings=SETTINGS)(update.add)
app.command("remove", cls=Command, context_settings=SETTINGS)(update.remove)
app.command("diff", cls=Command, context_settings=SETTINGS)(update.diff)
app.command("status", cls=Command, context_settings=SETTINGS)(update.status)
app.command("client", cls=Command, context_settings=SETTINGS)(client)
app.add_typer(fleet.app, name="fleet")
