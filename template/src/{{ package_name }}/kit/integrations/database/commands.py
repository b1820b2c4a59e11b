"""`db` on the command line. SQLAlchemy is imported when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ...texts import say

if TYPE_CHECKING:
    from .instances import Instances

db = typer.Typer(no_args_is_help=True, help="The worker's own tables.")


def add_commands(app: typer.Typer) -> None:
    """Add `db` to the worker's command line."""
    app.add_typer(db, name="db")


@db.command("upgrade")
def upgrade_command(
    configured: Annotated[
        bool, typer.Option("--configured", help="Refuse to work on the file of a demo.")
    ] = False,
) -> None:
    """Bring the tables up to date. Safe while workers run or do the same."""
    from . import schema  # noqa: PLC0415
    from .errors import DatabaseError  # noqa: PLC0415

    with databases() as shared:
        if configured and shared.settings.is_demo:
            raise DatabaseError("DATABASE_CONFIG is not set; it must name the database")
        for name in schema.kept_instances():
            for sentence in schema.upgrade(shared, name) or [
                say("{name}: nothing to do", name=name)
            ]:
                typer.echo(sentence)


@db.command("check")
def check_command() -> None:
    """Compare the tables with what this worker needs. Exit code 1 if they are behind."""
    from . import schema  # noqa: PLC0415

    behind = False
    with databases() as shared:
        for name in schema.kept_instances():
            ready, detail = schema.state(shared, name)
            typer.echo(f"{'ok  ' if ready else 'FAIL'} {name}: {detail}")
            behind = behind or not ready
    raise typer.Exit(1 if behind else 0)


@db.command("revision")
def revision_command(
    message: Annotated[str, typer.Argument(help="What it changes.")],
    autogenerate: Annotated[
        bool, typer.Option("--autogenerate", help="Compare the database with your tables.")
    ] = False,
) -> None:
    """Make a migration of your own: empty, or with what your tables need."""
    from .revisions import compared_migration, new_migration  # noqa: PLC0415

    if not autogenerate:
        typer.echo(new_migration(message))
        return
    with databases() as shared:
        made = compared_migration(shared, message)
    typer.echo(made or say("nothing to do: the database has the tables that the code declares"))


@contextmanager
def databases() -> Iterator[Instances]:
    """The databases, closed afterwards; their errors become sentences."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from ...composition import composed  # noqa: PLC0415
    from ...config import load_settings  # noqa: PLC0415
    from ...engine import OutageError  # noqa: PLC0415
    from .errors import DatabaseError, is_unreachable  # noqa: PLC0415
    from .instances import close_instances, instances  # noqa: PLC0415
    from .reduction import describe  # noqa: PLC0415

    load_settings()
    composed().load_processors()
    try:
        yield instances()
    except SQLAlchemyError as error:
        said = f"database: {describe(error)}"
        if is_unreachable(error):
            raise OutageError(said) from error
        raise DatabaseError(f"{said}; `db check` tells about its tables") from error
    finally:
        close_instances()
