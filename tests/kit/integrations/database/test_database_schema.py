"""Migrations: from nothing, several at once, the worker's and the owner's apart."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from typer.testing import CliRunner

from support import ROOT
from worker_payment.kit.cli import command_line
from worker_payment.kit.integrations.database import lifecycle, schema
from worker_payment.kit.integrations.database.errors import (
    DatabaseError,
)
from worker_payment.kit.integrations.database.instances import (
    close_instances,
    instances,
)
from worker_payment.kit.integrations.database.settings import SQLITE_FILE
from worker_payment.kit.integrations.database.tables import metadata

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
    assert schema.state(fresh, "MAIN") == (True, "worker at 0001, migrations at 0001")
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
    assert (
        runner.invoke(command_line(), ["db", "upgrade"]).output == "MAIN: worker nothing -> 0001\n"
    )
    assert runner.invoke(command_line(), ["db", "check"]).exit_code == 0
    assert "MAIN sqlite" in lifecycle.check()


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_migration_of_ones_own(fresh, own_versions):
    """The command numbers it; it can be applied as it is, and the repository's lint takes it."""
    schema.upgrade(fresh, "MAIN")
    for number, message in (("0001", "add refunds"), ("0002", "add more")):
        made = schema.new_migration(message)
        assert made == own_versions / f"{number}_{message.replace(' ', '_')}.py"
        assert schema.upgrade(fresh, "MAIN")
        for check in (["check"], ["format", "--check"]):
            ruff = [sys.executable, "-m", "ruff", *check, "--config", str(ROOT / "pyproject.toml")]
            done = subprocess.run([*ruff, str(made)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


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
