"""`outbox` on the command line. SQLAlchemy is imported when one of them runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ...texts import say

outbox = typer.Typer(no_args_is_help=True, help="Jobs that API servers write in their database.")

Rows = Annotated[
    list[int] | None, typer.Argument(help="Numbers of rows, as `outbox list` has them.")
]
Everything = Annotated[bool, typer.Option("--all", help="All rows that were set aside.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the oldest first.")]
_DIALECTS = ("postgresql", "mysql", "mariadb", "sqlite")


@outbox.command("list")
def list_command(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List rows that cannot be published, with the reason."""
    from .shelf import listed  # noqa: PLC0415

    rows = listed(limit)
    for row in rows:
        if as_json:
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            typer.echo(f"{row['id']}  {row['setAsideAt']}  {row['jobType']}  {row['reason']}")
    if not rows and not as_json:
        typer.echo(say("none"))


@outbox.command("retry")
def retry_command(rows: Rows = None, everything: Everything = False) -> None:
    """Let rows be published that were set aside: when a newer worker knows them."""
    from .shelf import retry  # noqa: PLC0415

    _act(retry, "retried: {count}", rows, everything=everything)


@outbox.command("discard")
def discard_command(rows: Rows = None, everything: Everything = False) -> None:
    """Delete rows that were set aside."""
    from .shelf import discard  # noqa: PLC0415

    _act(discard, "discarded: {count}", rows, everything=everything)


@outbox.command("sql")
def sql_command(
    dialect: Annotated[str, typer.Option(help=f"One of {', '.join(_DIALECTS)}.")] = "postgresql",
) -> None:
    """Print the SQL that makes the table, for the migrations of an API server."""
    if dialect not in _DIALECTS:
        raise typer.BadParameter(", ".join(_DIALECTS), param_hint="--dialect")
    name = "mysql" if dialect == "mariadb" else dialect
    typer.echo(
        (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8"), nl=False
    )


def _act(act: Any, done: str, rows: list[int] | None, *, everything: bool) -> None:
    """Do something with rows. Exit code 1 if one of them was not there."""
    if bool(rows) == everything:
        raise typer.BadParameter(say("name rows, or say --all"))
    found = act(rows or None)
    typer.echo(say(done, count=found))
    if rows and found < len(set(rows)):
        typer.echo(say("not set aside: {count}", count=len(set(rows)) - found), err=True)
        raise typer.Exit(1)
