"""Metrics that a real collector receives."""

from __future__ import annotations

import otel_jobs as jobs
from otel_receiver import Receiver
from redis import Redis

from support import RedisServer, eventually
from worker_payment.kit.engine import Publisher


def test_outcomes_durations_and_waits_are_counted(
    receiver: Receiver, worker, publisher: Publisher, queue: str
) -> None:
    """The last export comes when the worker stops."""
    publisher.publish_many(jobs.nod, [jobs.Order(), jobs.Order()])
    receipt = jobs.stumble.enqueue(jobs.Order(), publisher=publisher)
    with worker() as running:
        running.wait_for("job.failed", jobId=receipt.job_id)
        running.signal()
        assert running.exit_code() == 0
    outcomes = {
        found["messaging.rq.job.outcome"]: int(point["asInt"])
        for found, point in receiver.points("worker.job.outcomes")
    }
    assert outcomes == {"done": 2, "retried": 1, "failed": 1}
    consumed = receiver.points("messaging.client.consumed.messages")
    assert sum(int(point["asInt"]) for _, point in consumed) == 4
    durations = receiver.points("messaging.process.duration")
    assert sum(int(point["count"]) for _, point in durations) == 4
    errors = {found.get("error.type") for found, _ in durations}
    assert errors == {None, "ConnectionError"}
    assert {found["messaging.destination.name"] for found, _ in durations} == {queue}
    waits = receiver.points("worker.job.wait.duration")
    assert sum(int(point["count"]) for _, point in waits) == 4
    running_now = receiver.points("worker.job.running")
    assert sum(int(point["asInt"]) for _, point in running_now) == 0


def test_the_queue_is_looked_at(
    receiver: Receiver, worker, redis_server: RedisServer, queue: str
) -> None:
    """What waits, is delayed or has failed, and how old the oldest is."""
    with Redis.from_url(redis_server.url) as connection:
        connection.set("rq:suspended", 1)
        publisher = Publisher(connection, queue)
        jobs.nod.enqueue(jobs.Order(), publisher=publisher)
        jobs.nod.enqueue(jobs.Order(), publisher=publisher, delay=60)
    variables = {"REDIS_URL": redis_server.url, "OTEL_METRIC_EXPORT_INTERVAL": "200"}
    with worker(**variables) as running:
        running.wait_for("worker.start")
        eventually(lambda: receiver.points("worker.queue.oldest"), 30)
        running.signal()
        assert running.exit_code() == 0
    found = {
        about["state"]: int(point.get("asInt", 0))
        for about, point in receiver.points("worker.queue.jobs")
    }
    assert found == {"waiting": 1, "delayed": 1, "running": 0, "failed": 0}
    ((_, oldest),) = receiver.points("worker.queue.oldest")
    assert oldest["asDouble"] > 0
