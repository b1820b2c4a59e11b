"""One worker, several queues: the first first, and none starves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue

import engine_jobs as jobs
from engine_process import count_jobs, process, times_run
from support import eventually
from worker_payment.kit.engine import Options, Publisher
from worker_payment.kit.engine.store.exchange import SHARE, Exchange


@pytest.fixture
def queues(queue: str) -> list[str]:
    """Three queues of this test's own, most important first."""
    return [f"{queue}-{part}" for part in ("urgent", "normal", "low")]


def fill(connection: Redis, queue: str, number: int) -> None:
    notes = [jobs.Note(text=queue)] * number
    Publisher(connection, queue).publish_many(jobs.note, notes)


def taken(connection: Redis, queues: list[str], trips: list[int]) -> list[str]:
    """The queues from which a worker takes so many jobs by each trip, one letter each."""
    exchange = Exchange(
        connection, [Queue(each, connection=connection) for each in queues], uuid4().hex
    )
    found = []
    for free in trips:
        exchange.ask([], [], free=free, promote=False)
        found += [claim.queue.name.rpartition("-")[2][0] for claim in exchange.answer().claims]
    exchange.hang_up()
    return found


@pytest.mark.parametrize("trips", [[1] * 100, [100], [7] * 15], ids=["single", "batch", "sevens"])
def test_of_each_round_one_job_comes_from_every_lower_queue(
    connection: Redis, queues: list[str], trips: list[int]
) -> None:
    for each in queues:
        fill(connection, each, 200)
    found = taken(connection, queues, trips)
    for start in range(len(found) - SHARE):
        assert set(found[start : start + SHARE]) == {"u", "n", "l"}
    assert found.count("u") >= 0.75 * len(found)
    assert found[0] == "u"


def test_an_empty_queue_costs_the_others_no_turn(connection: Redis, queues: list[str]) -> None:
    fill(connection, queues[1], 5)
    fill(connection, queues[2], 40)
    assert "".join(taken(connection, queues, [50])) == "nnnnn" + "l" * 40


def test_two_queues_share_nine_to_one(connection: Redis, queues: list[str]) -> None:
    fill(connection, queues[0], 30)
    fill(connection, queues[2], 5)
    found = "".join(taken(connection, [queues[0], queues[2]], [1] * 35))
    assert found == "uuuuuuuuul" * 3 + "uuu" + "ll"


def test_a_job_is_retried_and_fails_in_its_own_queue(
    connection: Redis, queues: list[str], start_worker: Callable[..., object]
) -> None:
    urgent, normal, low = queues
    start_worker(Options(concurrency=2), queues=queues)
    failing = jobs.Note(text=uuid4().hex, failures=9)
    receipt = Publisher(connection, normal).publish(jobs.note, failing)
    Publisher(connection, low).publish(jobs.note, jobs.Note(text="late"), delay=0.3)
    eventually(lambda: connection.zscore(f"rq:failed:{normal}", receipt.job_id) is not None)
    eventually(lambda: jobs.ran == ["late"])
    assert jobs.attempts[failing.text] == 3
    eventually(lambda: connection.zcard(f"rq:finished:{low}") == 1)
    assert not connection.exists(f"rq:failed:{urgent}", f"rq:failed:{low}", f"rq:queue:{urgent}")


def test_a_killed_workers_jobs_go_back_to_where_they_came_from(
    connection: Redis, redis_url: str, queues: list[str], tmp_path: Path
) -> None:
    urgent, normal, _ = queues
    notes = tmp_path / "runs"
    for each in (urgent, normal):
        count_jobs(connection, each, notes, 3, 1.0)
    with process(redis_url, f"{urgent},{normal}", concurrency=6) as victim:
        eventually(lambda: connection.zcard(f"rq:wip:{normal}") == 3)
        victim.kill()
    with process(redis_url, f"{urgent},{normal}", concurrency=6):
        for each in (urgent, normal):
            eventually(lambda name=each: connection.zcard(f"rq:finished:{name}") == 3, 30)
    assert sum(times_run(notes).values()) == 6


def test_publishers_name_a_queue(connection: Redis, queues: list[str]) -> None:
    urgent, normal, _ = queues
    publisher = Publisher(connection, normal)
    payload = jobs.Note(text=uuid4().hex)
    first = jobs.note_once.enqueue(payload, publisher=publisher, queue=urgent)
    assert not jobs.note_once.enqueue(payload, publisher=publisher).queued  # the id is taken
    many = jobs.note.enqueue_many([payload] * 2, publisher=publisher, queue=urgent)
    waiting = [first, *many]
    assert Queue(urgent, connection=connection).job_ids == [each.job_id for each in waiting]
    assert publisher.on(normal) is publisher
    assert publisher.on(urgent) is publisher.on(urgent)


def test_a_failed_job_that_is_published_to_another_queue_leaves_the_first(
    connection: Redis, queues: list[str], start_worker: Callable[..., object]
) -> None:
    urgent, normal, _ = queues
    start_worker(queues=[normal])
    publisher = Publisher(connection, normal)
    payload = jobs.Note(text=uuid4().hex)
    failed = publisher.publish(jobs.refuse, payload, job_id=uuid4().hex)
    eventually(lambda: connection.zscore(f"rq:failed:{normal}", failed.job_id) is not None)
    assert publisher.on(urgent).publish(jobs.refuse, payload, job_id=failed.job_id).queued
    assert connection.zcard(f"rq:failed:{normal}") == 0
    assert connection.lrange(f"rq:queue:{urgent}", 0, -1) == [failed.job_id.encode()]
