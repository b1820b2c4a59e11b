"""What owners see of the outbox, the table's SQL, and publishing by it from Python."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from uuid import uuid4

import outbox_jobs as jobs
import pytest
from database_servers import PgBouncer, demand
from database_support import prepare
from sqlalchemy import inspect, text
from typer.testing import CliRunner

from support import eventually
from worker_payment.kit.cli import command_line
from worker_payment.kit.integrations.database import schema
from worker_payment.kit.integrations.database.instances import close_instances, instances
from worker_payment.kit.integrations.database.lifecycle import start as start_database
from worker_payment.kit.integrations.outbox import insert, insight, lifecycle
from worker_payment.kit.integrations.outbox.batch import relay
from worker_payment.worker import worker as composition

on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


def command(*arguments: str) -> tuple[int, str]:
    """Run a command; its exit code and what it says."""
    done = CliRunner().invoke(command_line(), arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_rows_that_were_set_aside_are_listed_retried_and_discarded(outbox):
    """Without their payloads; `check` and `stats` tell of them, and of rows that wait."""
    outbox.write(*(outbox.values(payload="secret") for _ in range(3)), outbox.values("good"))
    assert insight.counts() == {"waiting": 4, "oldest_seconds": 0, "set_aside": 0}
    with outbox.engine.connect() as connection:
        relay(connection, outbox.publisher)
    assert insight.counts() == {"waiting": 0, "oldest_seconds": 0, "set_aside": 3}
    code, said = command("check", "--only", "outbox")
    assert (code, "3 rows cannot be published: see `outbox list`" in said) == (0, True)
    code, said = command("outbox", "list", "--json")
    rows = [json.loads(line) for line in said.splitlines()]
    assert [row["jobType"] for row in rows] == ["outbox_jobs.note"] * 3
    assert "secret" not in said + command("outbox", "list")[1]
    first, second, third = (str(row["id"]) for row in rows)
    assert command("outbox", "retry", first, second) == (0, "retried: 2\n")
    assert command("outbox", "discard", first) == (
        1,
        "discarded: 0\nnot set aside: 1\n",
    )
    assert command("outbox", "discard", "--all") == (0, "discarded: 1\n")
    assert command("outbox", "list") == (0, "none\n")
    assert [str(row.id) for row in outbox.rows()] == [first, second]
    assert third not in (first, second)
    assert command("outbox", "retry")[0] == 2


@on_postgresql
def test_check_and_stats_show_what_waits_and_for_how_long(outbox):
    outbox.write(outbox.values("old"))
    with outbox.engine.begin() as connection:
        connection.execute(text("UPDATE worker_outbox SET created_at = now() - interval '90 s'"))
    _, said = command("check", "--only", "outbox")
    assert "worker_outbox in MAIN: 1 row to be published; the relay hears of new rows" in said
    assert re.search(r"the oldest row has waited for 9\d s: is a worker running\?", said)
    found = json.loads(command("stats", "--json")[1])
    counted = found["counts"]["outbox"]
    assert counted == {"waiting": 1, "oldestSeconds": pytest.approx(95, abs=5), "setAside": 0}
    assert re.search(r"outbox waiting 1, oldest seconds 9\d, set aside 0", command("stats")[1])


@on_postgresql
def test_behind_a_pooler_the_relay_looks_for_rows(server, publisher, redis_url, monkeypatch):
    """LISTEN would reach another server connection each time; two relays still keep the order."""
    demand("pgbouncer", "pgbouncer")
    bouncer = PgBouncer(server, "transaction").start()
    try:
        prepare(bouncer.config(), publisher.queue, redis_url, monkeypatch)
        monkeypatch.setenv("WORKER_QUEUES", f"{publisher.queue}")
        assert f"looks every {200} ms" in insight.check()
        start_database()
        lifecycle.start()
        with instances().main.begin() as connection:
            connection.execute(insert(jobs.note, jobs.Note(key="pooled")))
        eventually(lambda: publisher.connection.llen(f"rq:queue:{publisher.queue}"), timeout=3)
    finally:
        composition.reset()
        close_instances()
        bouncer.remove()


def test_python_publishes_by_the_outbox(outbox):
    """A typed payload in the caller's transaction: nothing after a rollback, all after a commit."""
    key = uuid4().hex
    with outbox.engine.connect() as connection:
        connection.execute(insert(jobs.note, jobs.Note(key="never")))
        with pytest.raises(ValueError, match="a job id has letters"):
            insert(jobs.note, jobs.Note(key="never"), job_id="")
        connection.rollback()
    with outbox.engine.begin() as connection:
        connection.execute(insert(jobs.named, jobs.Note(key=key), at_front=True))
        connection.execute(insert(jobs.new, jobs.NewNote(key="새"), delay=0.5, order_key="k"))
    named, new = outbox.rows()
    assert (named.job_id, named.at_front, named.delay_ms) == (f"named-{key}", True, 0)
    assert new.payload == '{"key":"새","count":0,"payloadVersion":2}'
    assert (new.job_id, new.delay_ms, new.order_key) == (None, 500, "k")
    with pytest.raises(TypeError):
        insert(jobs.new, jobs.Note(key="wrong type"))


def test_the_table_may_be_made_by_the_api_server(
    server, tmp_path, publisher, redis_url, monkeypatch
):
    """`outbox sql` prints what the worker's own migration runs; the worker leaves that table alone."""
    config = server.config()
    if server.dbms == "sqlite":
        config["database"] = str(tmp_path / "api.sqlite3")
    else:
        server.execute("DROP DATABASE IF EXISTS api")
        server.execute("CREATE DATABASE api")
        config["database"] = "api"
    instances_of = {"MAIN": server.config(), "API": config}
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": instances_of}))
    monkeypatch.setenv("OUTBOX_INSTANCE", "API")
    close_instances()
    shared = instances()
    assert schema.kept_instances() == ["MAIN", "API"]
    ready, detail = schema.state(shared, "API")
    assert (ready, detail) == (False, "outbox at nothing, 0001 is needed")
    code, sql = command("outbox", "sql", "--dialect", server.dbms)
    assert code == 0
    shared = instances()
    with shared.engine("API").begin() as connection:
        for statement in sql.split(";\n\n"):
            connection.exec_driver_sql(statement)
    assert schema.upgrade(shared, "API") == []
    assert schema.state(shared, "API") == (True, "worker_outbox made by another program")
    with shared.engine("API").connect() as connection:
        assert inspect(connection).get_table_names() == ["worker_outbox"]
    assert command("outbox", "sql", "--dialect", "oracle")[0] == 2
    close_instances()


def test_other_databases_need_no_driver_of_postgresql():
    """A worker that was made for MySQL has no psycopg."""
    kit = "worker_payment.kit.integrations"
    code = (
        f"import sys; sys.modules['psycopg'] = None; import {kit}.outbox.relay, {kit}.outbox.shelf"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
