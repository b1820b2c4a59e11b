"""Tables by Alembic migrations: the worker's own, and those that its owner adds.

Each has a folder and a version table of its own, so that an update of the template and the
owner's migrations never meet: `integrations/database/migrations/` comes with the template,
`migrations/` beside `processors/` belongs to the owner. Only `MAIN` gets the owner's tables.

Alembic takes a fifth of a worker's start and 12 MB. It is loaded when there is something to change.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, String, column, inspect, select, table, text
from sqlalchemy.orm import Session

from ...composition import composed
from ...engine import processors
from . import MAIN
from .errors import DatabaseError
from .instances import Instances
from .session import instance_name

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parents[2]
_LOCK = 7_203_114_581  # any number that nobody else uses for pg_advisory_lock
_LOCK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Branch:
    """Migrations that advance on their own.

    Args:
        name: For people.
        versions: The folder of the migrations.
        table: Where the database keeps the revision it is at.
        makes: A table that another program may have made instead, and then looks after.
    """

    name: str
    versions: Path
    table: str
    makes: str = ""

    def config(self) -> Config:
        """Alembic's settings for this branch."""
        from argparse import Namespace  # noqa: PLC0415

        from alembic.config import Config  # noqa: PLC0415

        config = Config(cmd_opts=Namespace(quiet=True))
        config.set_main_option("script_location", _escaped(_HERE / "migrations"))
        config.set_main_option("version_locations", _escaped(self.versions))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.attributes["version_table"] = self.table
        return config

    def head(self) -> str | None:
        """The newest revision there is."""
        known = self._revisions()
        heads = known.keys() - {before for each in known.values() for before in each}
        if len(heads) > 1:
            raise DatabaseError(
                f"{self.versions} has several last migrations: {', '.join(sorted(heads))}"
            )
        return next(iter(heads), None)

    def knows(self, revision: str) -> bool:
        """Whether this worker has the migration."""
        return revision in self._revisions()

    def _revisions(self) -> dict[str, tuple[str, ...]]:
        """Return every revision, with those that it follows."""
        files = [file for file in self.versions.glob("*.py") if file.stem != "__init__"]
        try:
            found = [_read_revision(file) for file in files]
        except (SyntaxError, ValueError):
            from alembic.script import ScriptDirectory  # noqa: PLC0415

            scripts = ScriptDirectory.from_config(self.config()).walk_revisions()
            found = [(each.revision, each.down_revision) for each in scripts]
        return {name: _as_tuple(before) for name, before in found}


def _read_revision(file: Path) -> tuple[str, Any]:
    """Return a migration's revision and what it follows, as the kit's migrations write them.

    Raises:
        ValueError: It is written in another way; running it would tell.
    """
    found = {
        line.targets[0].id: ast.literal_eval(line.value)
        for line in ast.parse(file.read_bytes(), file).body
        if isinstance(line, ast.Assign)
        and isinstance(line.targets[0], ast.Name)
        and line.targets[0].id in ("revision", "down_revision")
    }
    if len(found) < 2:
        raise ValueError(file.name)
    return found["revision"], found["down_revision"]


def _as_tuple(before: Any) -> tuple[str, ...]:
    return (before,) if isinstance(before, str) else tuple(before or ())


OWN = Branch("worker", _HERE / "migrations" / "versions", "worker_schema")
# Workers may share a database: the owner's table is named after the package.
OWNER = Branch("migrations", _PACKAGE / "migrations" / "versions", f"{_PACKAGE.name}_schema")


def branches(instance: str) -> list[Branch]:
    """What an instance gets."""
    of_modules = _of_modules()
    wanted = [OWN] if instance in used_instances() or instance not in of_modules else []
    if instance == MAIN and any(OWNER.versions.glob("*.py")):
        wanted.append(OWNER)
    return wanted + of_modules.get(instance, [])


def used_instances() -> list[str]:
    """`MAIN`, and every instance that a processor names: those have the worker's tables."""
    named = {
        instance_name(resource.extras)
        for processor in processors()
        for resource in processor.resources
        if resource.kind is Session
    }
    return sorted({MAIN, *named}, key=lambda name: (name != MAIN, name))


def kept_instances() -> list[str]:
    """Every instance that has tables of ours: the worker's, or those of a module."""
    used = used_instances()
    return used + sorted(_of_modules().keys() - set(used))


def _of_modules() -> dict[str, list[Branch]]:
    """What modules bring, by the instance that gets it."""
    found: dict[str, list[Branch]] = {}
    for module in composed().modules:
        for tables in module.tables():
            branch = Branch(
                module.name, tables.versions, f"worker_{module.name}_schema", tables.makes
            )
            found.setdefault(tables.instance, []).append(branch)
    return found


def upgrade(shared: Instances, instance: str) -> list[str]:
    """Bring the tables of an instance up to date. Several processes may do so at once.

    Returns:
        A sentence per branch that was behind.

    Raises:
        sqlalchemy.exc.DBAPIError: The database is away or refuses.
    """
    done = []
    with shared.tool_connection(instance) as connection, _locked(connection):
        for branch in branches(instance):
            before = current(connection, branch)
            head = branch.head()
            if head is None or before == head or (before and not branch.knows(before)):
                continue
            if _made_elsewhere(connection, branch, before):
                continue
            from alembic import command  # noqa: PLC0415

            config = branch.config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            done.append(f"{instance}: {branch.name} {before or 'nothing'} -> {head}")
    return done


def state(shared: Instances, instance: str) -> tuple[bool, str]:
    """Compare the tables of an instance with what this worker expects.

    Returns:
        Whether it can work with them, and a sentence.

    Raises:
        sqlalchemy.exc.DBAPIError: The database is away or refuses.
    """
    current_ones, ready = [], True
    with shared.tool_connection(instance) as connection:
        for branch in branches(instance):
            found, head = current(connection, branch), branch.head()
            if found == head:
                current_ones.append(f"{branch.name} at {found}")
            elif found and not branch.knows(found):
                current_ones.append(f"{branch.name} at {found}, newer than this worker")
            elif _made_elsewhere(connection, branch, found):
                current_ones.append(f"{branch.makes} made by another program")
            else:
                ready = False
                current_ones.append(f"{branch.name} at {found or 'nothing'}, {head} is needed")
    return ready, ", ".join(current_ones)


def current(connection: Connection, branch: Branch) -> str | None:
    """The revision that the database is at."""
    if not inspect(connection).has_table(branch.table):
        return None
    version = select(column("version_num", String)).select_from(table(branch.table))
    return connection.scalars(version).one_or_none()


def _made_elsewhere(connection: Connection, branch: Branch, found: str | None) -> bool:
    """Whether somebody else has made a branch's table, and so changes it, too."""
    return not found and bool(branch.makes) and inspect(connection).has_table(branch.makes)


@contextmanager
def _locked(connection: Connection) -> Iterator[None]:
    """One process at a time changes tables; the others wait and find it done."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        with connection.begin():  # on SQLite BEGIN IMMEDIATE is the lock
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            yield
        return
    # Here every DDL statement commits, so the lock belongs to the connection.
    got = connection.scalar(text(f"SELECT GET_LOCK('worker_schema', {_LOCK_SECONDS})"))
    if got != 1:
        raise DatabaseError("another process has been changing the tables for too long")
    try:
        yield
        connection.commit()
    finally:
        if not connection.invalidated:
            connection.execute(text("SELECT RELEASE_LOCK('worker_schema')"))


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")  # Alembic's settings are an INI file inside
