"""The outbox as an API server and a relay see it."""

from __future__ import annotations

import json
from typing import Any

from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, Row, insert, select

from worker_payment.kit.engine import Publisher
from worker_payment.kit.engine.store import keys
from worker_payment.kit.integrations.database.instances import instances
from worker_payment.kit.integrations.outbox.relay import Relay
from worker_payment.kit.integrations.outbox.table import outbox

_PLAIN = {"delay_ms": 0, "at_front": False}


class Outbox:
    """A test's rows.

    Args:
        publisher: To the test's queue.
        config: `DATABASE_CONFIG` as JSON, for a process.
    """

    def __init__(self, publisher: Publisher, config: str) -> None:
        self.publisher = publisher
        self.queue = publisher.queue
        self.config = config

    @property
    def engine(self) -> Engine:
        """The outbox's database; commands close it and it is made again."""
        return instances().main

    def values(self, key: str = "", job: str = "note", **more: Any) -> dict[str, Any]:
        """What an API server inserts."""
        made = {"queue": self.queue, "job_type": f"outbox_jobs.{job}"}
        return made | {"payload": json.dumps({"key": key})} | more

    def write(self, *rows: dict[str, Any]) -> None:
        """Commit rows in one transaction."""
        columns = dict.fromkeys(("job_id", "order_key", "traceparent"))
        with self.engine.begin() as connection:
            connection.execute(insert(outbox), [columns | _PLAIN | row for row in rows])

    def rows(self) -> list[Row[Any]]:
        """All of this test's rows."""
        statement = select(outbox).where(outbox.c.queue == self.queue).order_by(outbox.c.id)
        with self.engine.connect() as connection:
            return list(connection.execute(statement))

    def reasons(self) -> list[str | None]:
        """Why each row was set aside; None for one that waits."""
        return [row.reason for row in self.rows()]

    def relay(self, poll: float = 0.05) -> Relay:
        """A relay with a Redis client of its own, not yet started."""
        client = self.publisher.connection
        own = type(client)(
            connection_pool=type(client.connection_pool)(**client.get_connection_kwargs())
        )
        return Relay(instances(), "MAIN", own, [self.queue], poll)

    def queued(self) -> list[Job]:
        """The jobs in the queue, the next one first."""
        client = self.publisher.connection
        ids = [each.decode() for each in client.lrange(keys.QUEUE + self.queue, 0, -1)]
        found = Job.fetch_many(ids, client, serializer=JSONSerializer)
        return [job for job in found if job is not None]

    def queued_keys(self) -> list[str]:
        """The key of each of them."""
        return [job.args[0]["key"] for job in self.queued()]
