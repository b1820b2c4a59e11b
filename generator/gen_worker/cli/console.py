"""What all commands share: the template, printing, and how failures are shown."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gen_worker.cli.text import safe
from gen_worker.errors import OutputError, explain

if TYPE_CHECKING:
    from gen_worker.template.catalog import Catalog
    from gen_worker.versions.releases import Releases

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


def template_root(ctx: typer.Context) -> Path:
    """Return the folder of the copier.yml to use; tests pass one as the context's object."""
    from gen_worker.template.definition import find_template

    return ctx.obj or find_template()


def catalog(ctx: typer.Context) -> Catalog:
    """Return the presets and modules that can be chosen."""
    from gen_worker.template.catalog import load_catalog
    from gen_worker.template.definition import load_template

    return load_catalog(load_template(template_root(ctx)))


def releases_of(ctx: typer.Context, *, offline: bool) -> Releases:
    """Return the template's versions."""
    from gen_worker.versions.releases import Releases

    return Releases(template_root(ctx), offline=offline)


@contextmanager
def explained(*, as_json: bool = False) -> Iterator[None]:
    """Print an expected failure as one sentence and end with its exit code.

    Args:
        as_json: Print the failure as JSON on standard output, too.

    Raises:
        typer.Exit: With the failure's exit code.
    """
    from gen_worker.repository.signals import raising_signals

    try:
        with raising_signals():
            yield
    except BaseException as error:
        failure = explain(error)
        if failure is None:
            raise
        if as_json and not isinstance(error, OutputError):
            from gen_worker.cli.text import error_json

            echo(error_json(failure.sentence, failure.exit_code))
        say("Error", failure.sentence, "red")
        raise typer.Exit(failure.exit_code) from error


def echo(text: str) -> None:
    """Print a result.

    Raises:
        OutputError: Standard output takes no more.
    """
    if sys.stdout is None:
        raise OutputError("Standard output is closed.")
    try:
        typer.echo(text)
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        if error.errno == errno.EPIPE:  # the reader, such as head, has seen enough
            raise typer.Exit(0) from error
        raise OutputError(f"The result could not be printed: {error.strerror}.") from error


def say(kind: str, text: str, color: str) -> None:
    """Print a warning or an error, in color unless NO_COLOR is set."""
    if sys.stderr is None:
        return
    try:
        chosen = None if "NO_COLOR" in os.environ else color
        typer.secho(safe(f"{kind}: {text}"), err=True, fg=chosen)
    except OSError:  # nowhere left to say it; the exit code does
        return


def accept_any_text() -> None:
    """Print characters that the locale cannot show as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Keep Python from failing again when it flushes standard output at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
