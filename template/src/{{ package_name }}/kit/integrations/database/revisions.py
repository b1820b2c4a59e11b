"""New migrations of the owner's: empty, or with what the declared tables need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, TypeDecorator

from . import MAIN, schema, tables
from .declared import metadata
from .errors import DatabaseError
from .instances import Instances


def new_migration(message: str) -> Path:
    """Make an empty migration, numbered after the last.

    Returns:
        The new file.
    """
    made = _make(message)
    if made is None:
        raise DatabaseError("Alembic made no migration")
    return made


def compared_migration(shared: Instances, message: str) -> Path | None:
    """Make a migration that brings `MAIN` to the tables declared with the owner's `metadata`.

    Returns:
        The new file; None when there is nothing to do.

    Raises:
        DatabaseError: No table is declared, or the database is not at the last migration.
        sqlalchemy.exc.DBAPIError: The database is away or refuses.
    """
    if not metadata.tables:
        raise DatabaseError(
            "no processor declares a table with `metadata` of kit.integrations.database"
        )
    with shared.tool_connection(MAIN) as connection:
        found, head = schema.current(connection, schema.OWNER), schema.OWNER.head()
        if found != head:
            raise DatabaseError(
                f"{MAIN} is at migration {found or 'nothing'} and the last one is"
                f" {head or 'not here'}: run `db upgrade` with all migrations first"
            )
        made = _make(message, connection)
    if made is not None:
        _format(made)
    return made


def _make(message: str, compared_with: Connection | None = None) -> Path | None:
    schema.OWNER.versions.mkdir(parents=True, exist_ok=True)
    last = schema.OWNER.head() or "0000"
    if not last.isdigit():
        raise DatabaseError(f"the last migration, {last}, has no number: make the new one yourself")
    said = message.strip().replace('"', "'").replace("\\", "/").rstrip(".")
    sentence = f"{said[:1].upper()}{said[1:]}."
    config = schema.OWNER.config()
    if compared_with is not None:
        config.attributes["connection"] = compared_with
        config.attributes["options"] = _comparison(compared_with)
    made = command.revision(
        config, sentence, rev_id=f"{int(last) + 1:04}", autogenerate=compared_with is not None
    )
    script = made[0] if isinstance(made, list) and made else made
    return None if not script or isinstance(script, list) else Path(script.path)


def _comparison(connection: Connection) -> dict[str, Any]:
    """Return Alembic's options: only declared tables count, whoever else uses the database."""
    own = set(tables.metadata.tables)
    schemas = {table.schema for table in metadata.tables.values()}

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "schema":
            return name in schemas
        if kind == "table":
            known = parents["schema_qualified_table_name"]
            return known in metadata.tables and known not in own
        return True

    def include_object(_item: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name not in own

    return {
        "target_metadata": metadata,
        "include_name": include_name,
        "include_object": include_object,
        "include_schemas": schemas != {None},
        "render_item": _render,
        "render_as_batch": connection.dialect.name == "sqlite",  # it alters little else
        "process_revision_directives": _leave_out_nothing,
    }


def _render(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write the owner's column types as what they are in the database: the code may change."""
    own = isinstance(item, TypeDecorator) and not type(item).__module__.startswith("sqlalchemy.")
    if kind != "type" or not own:
        return False
    inner = item.impl_instance
    return render._repr_type(inner, context)  # noqa: SLF001 - it knows variants and imports


def _leave_out_nothing(_context: object, _revision: object, directives: list[Any]) -> None:
    """Make no file that would change nothing."""
    if directives[0].upgrade_ops.is_empty():
        directives.clear()


def _format(path: Path) -> None:
    """Bring Alembic's output into the repository's style, where its tools are installed."""
    ruff = [sys.executable, "-m", "ruff"]
    for words in (["check", "--quiet", "--fix"], ["format", "--quiet"]):
        subprocess.run([*ruff, *words, str(path)], capture_output=True, check=False)  # noqa: S603
