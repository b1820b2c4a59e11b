"""The relay publishes what was committed, once, and sets aside what cannot be published."""

from __future__ import annotations

import json
import time

import pytest
from sqlalchemy import insert, text, update

from support import eventually
from worker_payment.kit.engine.store import keys
from worker_payment.kit.integrations.outbox import table
from worker_payment.kit.integrations.outbox.batch import Moved, refuse_unknown, relay

on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


def pump(outbox):
    """Run one batch here and now."""
    with outbox.engine.connect() as connection:
        return relay(connection, outbox.publisher)


def test_what_was_committed_is_published_as_it_was_asked_for(outbox):
    """Ids, delay, place in the queue and trace travel; nothing stays, in the table or in Redis."""
    third = f"third-{outbox.queue}"
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with outbox.engine.connect() as connection:
        connection.execute(insert(table.outbox), [outbox.values("never")])
        connection.rollback()
    outbox.write(
        outbox.values("first", traceparent=trace),
        outbox.values("second", job_id=f"{outbox.queue} 2", order_key="k"),
        outbox.values("urgent", at_front=True),
        outbox.values("later", delay_ms=60_000),
        outbox.values(third, job="named"),
        outbox.values(third, job="named"),  # its id is taken by then
        outbox.values("다섯째", payload=json.dumps({"key": "다섯째"}, ensure_ascii=False)),
        outbox.values("long", payload=json.dumps({"key": "x" * 900_000})),
    )
    assert pump(outbox) == Moved(read=8, published=8)
    jobs = outbox.queued()
    found = [job.args[0]["key"][:6] for job in jobs]
    assert found == ["urgent", "first", "second", "third-", "다섯째", "xxxxxx"]
    assert jobs[1].meta == {"traceparent": trace}
    assert jobs[1].id.startswith("outbox-")
    assert jobs[2].id.startswith(f"{outbox.queue}-2-")
    assert jobs[3].id == f"named-{third}"
    redis = outbox.publisher.connection
    ((_, due),) = redis.zrange(keys.SCHEDULED + outbox.queue, 0, -1, withscores=True)
    assert 50 < due - time.time() <= 60
    assert outbox.rows() == []
    assert list(redis.scan_iter(f"{keys.ONCE}{outbox.queue}*")) == []


def test_what_cannot_be_published_is_set_aside(outbox):
    """Each with a reason that repeats no value; the others go their way."""
    outbox.write(
        outbox.values("good"),
        outbox.values(payload="{'key': 'secret'}"),
        outbox.values(payload='{"key": NaN}'),
        outbox.values(payload='["secret"]'),
        outbox.values(payload='{"key": "a", "count": "secret"}'),
        outbox.values(payload=json.dumps({"key": "secret" * 200_000})),
        outbox.values("secret", job="fussy"),
        outbox.values(payload="[" * 20_000),
        outbox.values("also good"),
    )
    assert pump(outbox) == Moved(read=9, published=2, set_aside=7)
    assert outbox.queued_keys() == ["good", "also good"]
    no_integer = "Input should be a valid integer, unable to parse string as an integer"
    assert outbox.reasons() == [
        "the payload is no JSON: Expecting property name enclosed in double quotes at character 1",
        "the payload is no JSON: NaN",
        "payload of outbox_jobs.note: expected a JSON object",
        f"payload of outbox_jobs.note: count: {no_integer}",
        "the payload has 1200011 bytes; 1000000 are allowed",
        "the job cannot be made (ZeroDivisionError)",
        "the job cannot be made (RecursionError)",
    ]
    assert pump(outbox) == Moved()


@on_postgresql
def test_a_newer_worker_may_come(outbox):
    """What this one does not know waits for ten minutes, and lets the rest pass."""
    outbox.write(
        outbox.values("unknown", job="from_tomorrow"),
        outbox.values(job="new", payload='{"key": "x", "payloadVersion": 3}'),
        outbox.values(job="new", payload='{"key": "two", "payloadVersion": 2}'),
    )
    pump(outbox)
    assert outbox.queued_keys() == ["two"]
    with outbox.engine.connect() as connection:
        assert refuse_unknown(connection, outbox.publisher) == 0
        earlier = table.outbox.c.created_at - text("interval '11 minutes'")
        connection.execute(
            update(table.outbox)
            .where(table.outbox.c.queue == outbox.queue)
            .values(created_at=earlier)
        )
        connection.commit()
        assert refuse_unknown(connection, outbox.publisher) == 1
    pump(outbox)
    unknown, newer = outbox.reasons()
    assert unknown == "this worker knows no job of this type"
    assert "version 3, this worker knows 2" in str(newer)


def test_two_relays_share_the_work_and_keep_the_order(outbox, start_relay):
    """Every row once; rows with a key in the order they were written in, whoever takes them."""
    start_relay()
    start_relay()
    for start in range(0, 1_200, 100):
        outbox.write(
            *(
                outbox.values(f"{number % 3}:{number}", order_key=[None, "a", "b"][number % 3])
                for number in range(start, start + 100)
            )
        )
    eventually(lambda: not outbox.rows(), timeout=30)
    found = outbox.queued_keys()
    assert sorted(found) == sorted(f"{number % 3}:{number}" for number in range(1_200))
    for key in ("1:", "2:"):
        numbers = [int(each[2:]) for each in found if each.startswith(key)]
        assert numbers == sorted(numbers)


@on_postgresql
def test_postgresql_tells_of_new_rows(outbox, start_relay):
    """A row is published at once, though the relay looks by itself every five seconds only."""
    start_relay()
    outbox.write(outbox.values("warm up"))
    eventually(outbox.queued_keys)
    delays = []
    for number in range(10):
        started = time.monotonic()
        outbox.write(outbox.values(str(number)))
        eventually(lambda n=number: len(outbox.queued_keys()) == n + 2)
        delays.append(time.monotonic() - started)
    assert sorted(delays)[5] < 0.5, delays
