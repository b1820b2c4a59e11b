"""What a real Sentry receives, and what it must not."""

from __future__ import annotations

import sentry_jobs as jobs
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sentry_server import SentryServer

from support import eventually
from worker_payment.kit.engine import Publisher

CUSTOMER = "hong-gil-dong@example.com"


def test_a_job_that_failed_for_good_is_reported_once(
    sentry: SentryServer, worker, publisher: Publisher, queue: str
) -> None:
    """After its last attempt, with the job's tags and without its payload."""
    receipt = jobs.stumble.enqueue(jobs.Order(customer=CUSTOMER), publisher=publisher)
    with worker(SENTRY_ENVIRONMENT="test", SENTRY_RELEASE="1.2.3") as running:
        running.wait_for("job.failed", jobId=receipt.job_id)
        running.signal()
        assert running.exit_code() == 0
    (event,) = sentry.events
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("ConnectionError", "the other side is down")
    assert error["stacktrace"]["frames"][-1]["function"] == "stumble"
    assert event["transaction"] == "sentry_jobs.stumble"
    assert (event["environment"], event["release"]) == ("test", "1.2.3")
    tags = {
        "job.type": "sentry_jobs.stumble",
        "job.id": receipt.job_id,
        "job.attempt": "2",
        "job.queue": queue,
    }
    assert tags.items() <= {key: str(text) for key, text in event["tags"].items()}.items()
    assert "user" not in event
    assert "request" not in event
    # The way to the failure: the attempt's own log lines, by name.
    crumbs = [each["message"] for each in event["breadcrumbs"]["values"]]
    assert crumbs == ["job.start", "order.seen", "job.failed"]
    assert CUSTOMER not in "".join(sentry.bodies)
    assert set(sentry.kinds) == {"event"}


def test_coroutines_and_unreadable_jobs_are_reported_too(
    sentry: SentryServer, worker, publisher: Publisher, connection: Redis, queue: str
) -> None:
    """The one at once, the other though it never began."""
    jobs.refuse.enqueue(jobs.Order(), publisher=publisher)
    plain = Queue(queue, connection=connection, serializer=JSONSerializer)
    plain.enqueue(jobs.skip.path, {"failures": CUSTOMER})
    plain.enqueue("nobody.knows.this")
    with worker("run", "--burst") as running:
        assert running.exit_code() == 0
    types = sorted(each["exception"]["values"][-1]["type"] for each in sentry.events)
    assert types == ["PayloadError", "PermanentError", "UnknownJobError"]
    assert CUSTOMER not in "".join(sentry.bodies)


def test_done_repeated_and_interrupted_jobs_are_not_reported(
    sentry: SentryServer, worker, publisher: Publisher
) -> None:
    """Nobody has to look at them."""
    skipped = jobs.skip.enqueue(jobs.Order(), publisher=publisher)
    nap = jobs.nap.enqueue(jobs.Order(), publisher=publisher)
    with worker(WORKER_SHUTDOWN_TIMEOUT="0.1") as running:
        running.wait_for("job.duplicate", jobId=skipped.job_id)
        running.wait_for("job.start", jobId=nap.job_id)
        running.signal()
        running.wait_for("job.interrupted", jobId=nap.job_id)
        assert running.exit_code() == 0
    assert sentry.events == []


def test_a_job_that_kills_its_workers_is_reported_by_the_one_that_gives_it_up(
    sentry: SentryServer, worker, publisher: Publisher
) -> None:
    """It has no traceback, and still its name."""
    jobs.kill_worker.enqueue(jobs.Order(), publisher=publisher)
    lease = {"WORKER_LEASE": "4", "WORKER_DELIVERY_LIMIT": "1"}
    with worker(**lease) as running:
        assert running.exit_code() != 0
    with worker(**lease) as running:
        eventually(lambda: sentry.events, 30)
        running.signal()
        assert running.exit_code() == 0
    (event,) = sentry.events
    assert event["exception"]["values"][-1]["type"] == "AbandonedJobError"
    assert event["tags"]["job.type"] == "sentry_jobs.kill_worker"


def test_secrets_of_the_settings_are_removed(
    sentry: SentryServer, worker, publisher: Publisher
) -> None:
    """Also from an error's message."""
    jobs.leak.enqueue(jobs.Order(), publisher=publisher)
    password = "pass-of-redis-0815"
    variables = _with_password(publisher, password)
    with worker("run", "--burst", TEST_PASSWORD=password, **variables) as running:
        assert running.exit_code() == 0
    (event,) = sentry.events
    assert event["exception"]["values"][-1]["value"] == "login failed: ***"
    assert password not in "".join(sentry.bodies)


def _with_password(publisher: Publisher, password: str) -> dict[str, str]:
    publisher.connection.execute_command(
        "ACL", "SETUSER", "tester", "on", f">{password}", "~*", "&*", "+@all"
    )
    options = publisher.connection.connection_pool.connection_kwargs
    return {
        "REDIS_URL": f"redis://tester:{password}@{options['host']}:{options['port']}/{options['db']}"
    }
