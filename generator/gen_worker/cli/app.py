"""The command line. Everything slow is imported by the command that needs it.

Modules with commands leave out `from __future__ import annotations`: of annotations that are texts
Typer evaluates each several times, which takes five times as long for every start.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

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
from gen_worker.errors import OutputError

_FLEET = "fleet"
_COMMANDS = ("list", DEFAULT, "update", "add", "remove", "diff", "status", "client", _FLEET)
_OWN_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")


def main(template: Path | None = None) -> None:
    """Run the program.

    Args:
        template: The template to use; the generator's own when not given.
    """
    accept_any_text()
    try:
        command_line(asked(sys.argv[1:], os.environ))(prog_name="gen-worker", obj=template)
    except OSError as error:  # commands explain their own
        discard_output()
        say("Error", f"The help could not be printed: {error.strerror}.", "red")
        sys.exit(OutputError.exit_code)


def asked(words: Sequence[str], variables: Mapping[str, str]) -> str | None:
    """Return the one command that a command line needs, None where it may need all.

    Args:
        words: The command line.
        variables: Those of the environment: a shell that completes a command line gives it there.
    """
    if completes := "_GEN_WORKER_COMPLETE" in variables:
        typed = variables.get("COMP_WORDS") or variables.get("_TYPER_COMPLETE_ARGS", "")
        words = typed.split()[1:]
    first = words[0] if words else ""
    unfinished = completes and len(words) == 1 and not first.startswith("-")
    if not first or unfinished or first in _OWN_OPTIONS:
        return None
    return first if first in _COMMANDS else DEFAULT


def command_line(only: str | None = None) -> typer.Typer:
    """Return the program.

    Args:
        only: The only command that it needs. To make all takes a sixth of a quick command.
    """
    app = typer.Typer(
        cls=DefaultCommandGroup,
        callback=program,
        context_settings=SETTINGS,
        rich_markup_mode=None,  # rich would double the start-up time
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )
    for name in _COMMANDS if only is None else (only,):
        if name == _FLEET:
            from gen_worker.cli import fleet

            app.add_typer(fleet.app, name=name)
            continue
        kind = DefaultCommand if name == DEFAULT else Command
        command = app.command(name, cls=kind, hidden=name == DEFAULT, context_settings=SETTINGS)
        command(_function(name))
    return app


def _function(name: str) -> Any:
    """Load a command."""
    if name == "list":
        return list_catalog
    if name == DEFAULT:
        from gen_worker.cli.new import new

        return new
    if name == "client":
        from gen_worker.cli.client import client

        return client
    from gen_worker.cli import update

    return getattr(update, name)


def _print_version(value: bool) -> None:
    if value:
        from gen_worker.versions.origin import version

        echo(f"gen-worker {version()}")
        raise typer.Exit


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


def list_catalog(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the presets and modules."""
    with explained(as_json=as_json):
        from gen_worker.cli.report_new import catalog_json, catalog_text

        found = catalog(ctx)
        echo((catalog_json if as_json else catalog_text)(found))
