"""The statements of the clients, in the transactions of an API server in either language."""

from __future__ import annotations

import json
import sys

import outbox_jobs
import pytest
from node import compile_project, make_project, run_node
from sqlalchemy import text
from test_outbox_relay import pump

from worker_payment.kit.contracts.clients.files import refresh
from worker_payment.kit.contracts.snapshot import describe

ODD = "주문 \"A\\1' 🎉"
API = """
import { createConnection } from "mysql2/promise";
import pg from "pg";
import { OutboxJobsClient } from "./outbox-jobs-client.js";

const [dialect, queue, text, connection] = process.argv.slice(2);
const settings = JSON.parse(connection);
const propagate = (carrier) => { carrier.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"; };
const { note, named } = new OutboxJobsClient({ call() {} }, { queue, propagate });
const jobs = (keys) => keys.flatMap((key) => [
  note.insert({ key }, { dialect, orderKey: "k", delayMs: 0 }),
  named.insert({ key, count: 1 }, { dialect, atFront: true }),
]);
const database = dialect === "postgresql" ? new pg.Client(settings) : await createConnection(settings);
if (dialect === "postgresql") await database.connect();
const run = (sql, parameters) => parameters && dialect !== "postgresql" ? database.execute(sql, parameters) : database.query(sql, parameters);
for (const [key, end] of [["never", "ROLLBACK"], [text, "COMMIT"]]) {
  await run("BEGIN");
  for (const { sql, parameters } of jobs([key])) await run(sql, parameters);
  await run(end);
}
await database.end();
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The client in Python; the one in TypeScript lies beside it, compiled."""
    document = describe([outbox_jobs.note, outbox_jobs.named]) | {"worker": "outbox-jobs"}
    refresh(document, "python", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import outbox_jobs_client

    refresh(document, "typescript", tmp_path)
    make_project(tmp_path, noCheck=True)
    assert compile_project(tmp_path) == ""
    yield outbox_jobs_client
    del sys.modules["outbox_jobs_client"]


@pytest.mark.parametrize("server", ["postgresql", "mariadb"], indirect=True)
def test_committed_jobs_of_both_clients_are_published(outbox, module, tmp_path):
    """By each way to send a statement; what was rolled back is never seen."""
    url = outbox.engine.url
    dialect = "postgresql" if url.get_backend_name() == "postgresql" else "mysql"
    key = f"{ODD} {outbox.queue}"
    (tmp_path / "api.js").write_text(API)
    settings = {"host": url.host, "port": url.port, "user": url.username, "database": url.database}
    settings["password"] = url.password or ""
    run_node(tmp_path, "api.js", dialect, outbox.queue, key, json.dumps(settings))
    client = module.OutboxJobsClient(outbox.publisher.connection, queue=outbox.queue)
    with outbox.engine.begin() as connection:
        insert = client.note.insert(module.Note(key="driver"), dialect=dialect, order_key="k")
        connection.exec_driver_sql(insert.sql, insert.parameters)
        sql, values = client.note.insert(module.Note(key="names"), dialect=dialect).named
        connection.execute(text(sql), values)
    with outbox.engine.connect() as connection:
        late = client.named.insert(module.Note(key="never"), dialect=dialect)
        connection.exec_driver_sql(late.sql, late.parameters)
        connection.rollback()
    assert pump(outbox).published == 4
    assert outbox.queued_keys() == [key, key, "driver", "names"]
    first, second, *_ = outbox.queued()
    assert first.id.startswith("named-")
    assert second.id.startswith("outbox-")
    assert first.meta["traceparent"].endswith("b7ad6b7169203331-01")
    assert outbox.rows() == []
