"""Migrations: from nothing, several at once, the worker's and the owner's apart."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    Interval,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.dialects import mysql
from typer.testing import CliRunner

from support import ROOT
from worker_payment.kit.cli import command_line
from worker_payment.kit.integrations.database import lifecycle, revisions, schema
from worker_payment.kit.integrations.database.errors import (
    DatabaseError,
)
from worker_payment.kit.integrations.database.instances import (
    close_instances,
    instances,
)
from worker_payment.kit.integrations.database.settings import SQLITE_FILE
from worker_payment.kit.integrations.database.tables import metadata

OWNER, HEAD = schema.OWNER, schema.OWN.head()
MIGRATION = '''"""{name}"""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{revision}", {before}, None, None
def upgrade() -> None:
    op.create_table("{name}", sa.Column("id", sa.Integer, primary_key=True))
'''


@pytest.fixture
def own_versions(tmp_path, monkeypatch):
    """A folder of the owner's migrations instead of the real one."""
    folder = tmp_path / "versions"
    folder.mkdir()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    branch = schema.Branch("migrations", folder, "own_schema")
    monkeypatch.setattr(schema, "OWNER", branch)
    return folder


@pytest.fixture
def fresh(server, tmp_path, monkeypatch, own_versions):
    """A database of each kind without any table."""
    config = server.config()
    if server.dbms == "sqlite":
        config["database"] = str(tmp_path / "fresh.sqlite3")
    else:
        server.execute("DROP DATABASE IF EXISTS fresh")
        server.execute("CREATE DATABASE fresh")
        config["database"] = "fresh"
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": config}}))
    close_instances()
    yield instances()
    close_instances()


def tables(shared):
    """What is in the database."""
    with shared.main.connect() as connection:
        return set(inspect(connection).get_table_names())


def add(folder: Path, revision: str, before: str, name: str) -> None:
    """Write a migration as an owner would."""
    content = MIGRATION.format(revision=revision, before=before, name=name)
    (folder / f"{revision}_{name}.py").write_text(content)


def test_several_replicas_at_once(fresh, own_versions):
    """Each either migrates or waits; the tables are those that the code expects."""
    add(own_versions, "0001", "None", "first")
    errors: list[BaseException] = []

    def upgrade() -> None:
        try:
            schema.upgrade(fresh, "MAIN")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert schema.state(fresh, "MAIN") == (
        True,
        f"worker at {HEAD}, migrations at 0001, outbox at 0001",
    )
    with fresh.main.connect() as connection:
        found = inspect(connection)
        for table in metadata.sorted_tables:
            columns = {column["name"] for column in found.get_columns(table.name)}
            assert columns == set(table.columns.keys())
        (unique,) = found.get_unique_constraints("worker_job_records")
        assert unique["column_names"] == ["job_type", "target_id"]


def test_the_owner_and_the_template_advance_on_their_own(fresh, own_versions):
    """Both number their migrations from 0001, and neither knows of the other."""
    schema.upgrade(fresh, "MAIN")
    assert {"worker_job_records", "worker_failed_jobs", "worker_schema"} <= tables(fresh)
    add(own_versions, "0001", "None", "first")
    assert not schema.state(fresh, "MAIN")[0]
    assert schema.upgrade(fresh, "MAIN") == ["MAIN: migrations nothing -> 0001"]
    add(own_versions, "0002", '"0001"', "second")
    assert schema.upgrade(fresh, "MAIN") == ["MAIN: migrations 0001 -> 0002"]
    assert {"first", "second", "own_schema"} <= tables(fresh)
    assert schema.upgrade(fresh, "MAIN") == []


def test_a_newer_database_is_good_enough(fresh):
    """While replicas are replaced one by one, the old ones go on working."""
    schema.upgrade(fresh, "MAIN")
    with fresh.main.begin() as connection:
        connection.execute(text("UPDATE worker_schema SET version_num = '9999'"))
    assert schema.upgrade(fresh, "MAIN") == []
    ready, detail = schema.state(fresh, "MAIN")
    assert ready
    assert "newer than this worker" in detail


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_without_automatic_upgrades_a_worker_refuses_old_tables(fresh, monkeypatch):
    monkeypatch.setenv("DATABASE_AUTO_UPGRADE", "false")
    close_instances()
    with pytest.raises(DatabaseError, match="db upgrade"):
        lifecycle.start()
    with pytest.raises(DatabaseError, match="db upgrade"):
        lifecycle.check()
    runner = CliRunner()
    assert runner.invoke(command_line(), ["db", "check"]).exit_code == 1
    upgraded = runner.invoke(command_line(), ["db", "upgrade"]).output
    assert upgraded == f"MAIN: worker nothing -> {HEAD}\nMAIN: outbox nothing -> 0001\n"
    assert runner.invoke(command_line(), ["db", "check"]).exit_code == 0
    assert "MAIN sqlite" in lifecycle.check()


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_two_migrations_that_follow_the_same_one_are_refused(fresh, own_versions):
    add(own_versions, "0001", "None", "first")
    add(own_versions, "0002", "'0001'", "second")
    add(own_versions, "0003", "('0001',)", "third")
    with pytest.raises(DatabaseError, match="several last migrations: 0002, 0003"):
        schema.upgrade(fresh, "MAIN")


def test_a_migration_of_ones_own(fresh, own_versions):
    """The command numbers it; it can be applied as it is, and the repository's lint takes it."""
    schema.upgrade(fresh, "MAIN")
    for number, message in (("0001", "add refunds"), ("0002", "add more")):
        made = revisions.new_migration(message)
        assert made == own_versions / f"{number}_{message.replace(' ', '_')}.py"
        assert schema.upgrade(fresh, "MAIN")
        assert lint(made) == ""


def lint(made: Path) -> str:
    """What the repository's own rules say against a file."""
    said = ""
    for check in (["check"], ["format", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *check, str(made)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        said += done.stdout if done.returncode else ""
    return said


class Words(TypeDecorator[list[str]]):
    """A type of the owner's, which a migration must not import."""

    impl = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
    cache_ok = True


def test_a_migration_from_the_declared_tables(fresh, own_versions, monkeypatch):
    """It holds what the owner's tables need, and no table of the kit or of anybody else."""
    declared = MetaData(naming_convention=revisions.metadata.naming_convention)
    monkeypatch.setattr(revisions, "metadata", declared)
    with pytest.raises(DatabaseError, match="no processor declares a table"):
        revisions.compared_migration(fresh, "x")
    shops = Table("shops", declared, Column("id", Integer, primary_key=True))
    refunds = Table(
        "refunds",
        declared,
        Column("order_id", String(64), primary_key=True),
        Column("shop", ForeignKey(shops.c.id), index=True),
        Column("amount", Numeric(12, 2), nullable=False, server_default="0"),
        Column("done", Boolean, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("more", JSON),
        Column("took", Interval),
        Column("part", Boolean(create_constraint=True, name="part_check")),
        Column("kind", Enum("all", "part", name="refund_kind")),
        Column("note", String(200), unique=True),
    )
    schema.upgrade(fresh, "MAIN")
    with fresh.main.begin() as connection:
        connection.execute(text("CREATE TABLE elsewhere (id INTEGER PRIMARY KEY)"))
    before = tables(fresh)
    made = revisions.compared_migration(fresh, 'add "refunds"')
    assert made == own_versions / "0001_add_refunds.py"
    assert lint(made) == ""
    assert "worker_" not in made.read_text()
    assert "elsewhere" not in made.read_text()
    with pytest.raises(DatabaseError, match=r"at migration nothing and the last one is 0001: run"):
        revisions.compared_migration(fresh, "too early")
    schema.upgrade(fresh, "MAIN")
    assert tables(fresh) == before | {"shops", "refunds", "own_schema"}
    assert revisions.compared_migration(fresh, "nothing") is None

    refunds._columns.remove(refunds.c.more)
    refunds.append_column(Column("words", Words))
    refunds.append_constraint(UniqueConstraint(refunds.c.shop, refunds.c.at))
    changed = revisions.compared_migration(fresh, "change refunds")
    assert lint(changed) == ""
    assert "Words" not in changed.read_text()
    schema.upgrade(fresh, "MAIN")
    assert revisions.compared_migration(fresh, "nothing") is None
    assert len(list(own_versions.glob("*.py"))) == 2


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_the_example_needs_no_migration(fresh, monkeypatch):
    """Its own migrations make what its processors declare."""
    monkeypatch.setattr(schema, "OWNER", OWNER)
    command = ["db", "revision", "nothing", "--autogenerate"]
    early = CliRunner().invoke(command_line(), command)
    assert isinstance(early.exception, DatabaseError)
    schema.upgrade(fresh, "MAIN")
    said = CliRunner().invoke(command_line(), command).output
    assert said == "nothing to do: the database has the tables that the code declares\n"


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_failing_migration_leaves_nothing(fresh, own_versions):
    """Where the database can, all of them are one transaction."""
    add(own_versions, "0001", "None", "first")
    (own_versions / "0002_bad.py").write_text(
        MIGRATION.format(revision="0002", before='"0001"', name="first")
    )
    with pytest.raises(Exception, match="already exists"):
        schema.upgrade(fresh, "MAIN")
    assert "first" not in tables(fresh)


def test_a_cluster_refuses_the_file_of_a_demo(tmp_path, monkeypatch, own_versions):
    """Each pod would have a database of its own; the init container says so and fails."""
    monkeypatch.delenv("DATABASE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    close_instances()
    result = CliRunner().invoke(command_line(), ["db", "upgrade", "--configured"])
    assert isinstance(result.exception, DatabaseError)
    assert "DATABASE_CONFIG is not set" in str(result.exception)
    assert not (tmp_path / SQLITE_FILE).exists()
    manifest = (ROOT / "deploy/kubernetes/base/deployment.yaml").read_text()
    assert "args: [db, upgrade, --configured]" in manifest
