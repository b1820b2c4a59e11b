"""What all commands share: where the template is, and how a failure is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gen_worker.errors import explain

if TYPE_CHECKING:
    from gen_worker.template.catalog import Catalog

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def template_root(ctx: typer.Context) -> Path:
    """Return the template that the commands use.

    Args:
        ctx: The command's context; its object is a template that a test gave.

    Returns:
        The folder that holds copier.yml.
    """
    from gen_worker.template.definition import find_template

    return ctx.obj or find_template()


def catalog(ctx: typer.Context) -> Catalog:
    """Return the presets and modules that can be chosen."""
    from gen_worker.template.catalog import load_catalog
    from gen_worker.template.definition import load_template

    return load_catalog(load_template(template_root(ctx)))


@contextmanager
def explained(*, as_json: bool = False) -> Iterator[None]:
    """Turn every expected failure into one sentence and an exit code.

    Args:
        as_json: Print the failure as JSON, too.

    Yields:
        Nothing.

    Raises:
        typer.Exit: With the failure's exit code.
    """
    try:
        yield
    except BaseException as error:
        failure = explain(error)
        if failure is None:
            raise
        if as_json:
            from gen_worker.cli.text import error_json

            typer.echo(error_json(failure.sentence, failure.exit_code))
        say("Error", failure.sentence, "red")
        raise typer.Exit(failure.exit_code) from error


def say(kind: str, text: str, color: str) -> None:
    """Tell the user something beside the output, in color unless NO_COLOR asks for none.

    Args:
        kind: The word before it.
        text: What to say.
        color: The color's name.
    """
    typer.secho(f"{kind}: {text}", err=True, fg=None if "NO_COLOR" in os.environ else color)
