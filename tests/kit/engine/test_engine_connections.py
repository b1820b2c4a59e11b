"""Redis behind TLS, and with a user that may do only what a worker needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError
from redis.retry import Retry
from rq.job import JobStatus
from tls import TlsFront

import engine_jobs as jobs
from support import RedisServer, eventually
from worker_payment.kit.engine import Options, Publisher, ThreadWorker

Start = Callable[..., ThreadWorker]

# What a worker and its publishers need, and what the README tells operators to grant.
PERMISSIONS = ["~rq:*", "&rq:*", "+@all", "-@admin", "-@dangerous", "+info", "+client|setname"]
PERMISSIONS += ["+client|info", "+keys"]


@pytest.fixture
def front(redis_server: RedisServer, tmp_path: Path) -> Iterator[TlsFront]:
    """The test's server behind TLS."""
    server = TlsFront(tmp_path, redis_server.port)
    yield server
    server.stop()


def connect(url: str) -> Redis:
    """A client as the worker's."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=5)


def test_jobs_run_over_tls(front: TlsFront, queue: str, start_worker: Start) -> None:
    client = connect(f"rediss://127.0.0.1:{front.port}/0?ssl_ca_certs={front.authority}")
    name = uuid4().hex
    Publisher(client, queue).publish(jobs.note, jobs.Note(text=name))
    start_worker(Options(), client=client)
    eventually(lambda: name in jobs.ran)
    eventually(lambda: client.zcard(f"rq:finished:{queue}") == 1)


def test_a_certificate_of_a_stranger_is_refused(front: TlsFront) -> None:
    with pytest.raises(RedisConnectionError, match="certificate"):
        connect(f"rediss://127.0.0.1:{front.port}/0").ping()


@pytest.fixture
def limited(redis_server: RedisServer) -> Redis:
    """A client whose user may do only what a worker needs."""
    admin = Redis.from_url(redis_server.url)
    admin.execute_command("ACL", "SETUSER", "worker", "on", ">pass-word", *PERMISSIONS)
    return connect(redis_server.url.replace("redis://", "redis://worker:pass-word@"))


def test_jobs_run_with_a_limited_user(limited: Redis, queue: str, start_worker: Start) -> None:
    publisher = Publisher(limited, queue)
    name = uuid4().hex
    done = publisher.publish(jobs.note, jobs.Note(text=name, failures=1))
    failed = publisher.publish(jobs.refuse, jobs.Note(text=name))
    start_worker(Options(), client=limited)
    eventually(lambda: limited.hget(f"rq:job:{done.job_id}", "status") == b"finished")
    eventually(
        lambda: limited.hget(f"rq:job:{failed.job_id}", "status") == JobStatus.FAILED.encode()
    )


def test_the_limited_user_reaches_nothing_else(limited: Redis) -> None:
    with pytest.raises(NoPermissionError):
        limited.set("other:key", "1")
    with pytest.raises(NoPermissionError):
        limited.flushall()


def test_a_worker_that_leaves_at_once_takes_the_thread_along_that_listens(
    redis_server: RedisServer, queue: str
) -> None:
    """It begins to listen and ends at any moment of that."""
    client = connect(redis_server.url)
    for number in range(30):
        worker = ThreadWorker([queue], client, f"{queue}-{number}", Options())
        worker.drain()
        assert worker.run() == 0
        assert not worker.pubsub_thread.is_alive()
    client.close()
