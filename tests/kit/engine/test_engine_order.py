"""Order by key: one at a time per key, in the order of publishing, whatever happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from engine_process_jobs import Step, async_step, careful_step, step
from support import eventually
from worker_payment.kit.engine import (
    Options,
    Order,
    Payload,
    Publisher,
    ThreadWorker,
    processor,
    processors,
)
from worker_payment.kit.engine.job.order import Orders
from worker_payment.kit.engine.store.exchange import Exchange, Outcome

Start = Callable[..., ThreadWorker]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The file in which jobs note when they begin and end."""
    return tmp_path / "steps"


def lines(notes: Path) -> list[list[str]]:
    return [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []


def steps(notes: Path, key: str) -> list[str]:
    """What happened to a key: `0 begin`, `0 end`, `1 begin` ..."""
    return [f"{number} {word}" for name, number, word, _ in lines(notes) if name == key]


def in_order(number: int) -> list[str]:
    return [f"{each} {word}" for each in range(number) for word in ("begin", "end")]


def status(connection: Redis, job_id: str) -> JobStatus:
    return Job.fetch(job_id, connection=connection, serializer=JSONSerializer).get_status()


def left_over(connection: Redis, queue: str) -> list[str]:
    """What order by key has left in Redis."""
    found = [each.decode() for each in connection.scan_iter(f"rq:order:{queue}*")]
    return found + [each.decode() for each in connection.zrange(f"rq:deferred:{queue}", 0, -1)]


class Hand:
    """A worker's trips to Redis, one at a time, by hand."""

    def __init__(self, connection: Redis, queue: str) -> None:
        name = uuid4().hex
        connection.hset(f"rq:worker:{name}", "birth", "now")
        queues = [Queue(queue, connection=connection)]
        self.exchange = Exchange(connection, queues, name, Orders(processors()))

    def take(self, number: int) -> list[str]:
        """Take jobs; the claims are kept in `claims`."""
        self.exchange.ask([], [], free=number, promote=True)
        self.claims = {each.job_id: each for each in self.exchange.answer().claims}
        return list(self.claims)

    def end(self, *job_ids: str) -> list[int]:
        """Hand in outcomes."""
        claims = [self.claims[each] for each in job_ids]
        return self.exchange.trade([Outcome(each, None, 60) for each in claims]).codes


@pytest.fixture
def hand(connection: Redis, queue: str) -> Iterator[Hand]:
    """Takes and ends jobs of the test's queue."""
    made = Hand(connection, queue)
    yield made
    made.exchange.hang_up()


def publish(publisher: Publisher, notes: Path, keys: str, **fields: object) -> list[str]:
    """One job per letter: its key, and how many jobs of this key came before as its number."""
    listed = [
        Step.model_validate(
            {"notes": str(notes), "order_id": key, "number": keys[:place].count(key)} | fields
        )
        for place, key in enumerate(keys)
    ]
    return [each.job_id for each in publisher.publish_many(step, listed)]


def test_who_holds_a_key_and_who_waits_for_it(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, hand: Hand
) -> None:
    first, second, other, third = publish(publisher, notes, "AABA")
    assert hand.take(10) == [first, other]
    assert connection.hgetall(f"rq:order:{queue}") == {b"A": first.encode(), b"B": other.encode()}
    assert connection.lrange(f"rq:order:{queue}:A", 0, -1) == [second.encode(), third.encode()]
    assert status(connection, second) == JobStatus.DEFERRED
    assert second in Queue(queue, connection=connection).deferred_job_registry
    claims = hand.claims
    assert hand.take(10) == []
    hand.claims |= claims
    assert hand.end(first, other) == [1, 1]
    assert connection.lrange(f"rq:queue:{queue}", 0, -1) == [second.encode()]
    assert hand.take(10) == [second]
    hand.end(second)
    assert hand.take(10) == [third]
    hand.end(third)
    assert left_over(connection, queue) == []


def test_at_full_concurrency_each_key_keeps_its_order(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, start_worker: Start
) -> None:
    keys = "ABCDEFGH" * 8 + "AAAABBBB"
    start_worker(Options(concurrency=5))
    start_worker(Options(concurrency=5))
    eventually(lambda: connection.scard(f"rq:workers:{queue}") == 2)
    publish(publisher, notes, keys, seconds=0.01, begun=6)
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == len(keys), 30)
    for key in "ABCDEFGH":
        assert steps(notes, key) == in_order(keys.count(key))
    running = [0]
    for *_, word, _ in lines(notes):
        running.append(running[-1] + (1 if word == "begin" else -1))
    assert max(running) > 5  # both workers ran several keys at once
    assert left_over(connection, queue) == []


def test_a_retry_holds_its_key_and_only_its_key(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, start_worker: Start
) -> None:
    publish(publisher, notes, "A", failures=2)
    publish(publisher, notes, "BB")
    publisher.publish(step, Step(notes=str(notes), order_id="A", number=1))
    start_worker()
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 4)
    assert steps(notes, "A") == ["0 begin", "0 begin", "0 begin", "0 end", "1 begin", "1 end"]
    assert steps(notes, "B") == in_order(2)
    before = [name for name, *_ in lines(notes)]
    assert before.index("B") < len(before) - 1 - before[::-1].index("A")


def test_after_the_last_failure_the_next_one_runs(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, start_worker: Start
) -> None:
    (failed,) = publish(publisher, notes, "A", failures=9)
    publisher.publish(step, Step(notes=str(notes), order_id="A", number=1))
    start_worker()
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 1)
    assert status(connection, failed) == JobStatus.FAILED
    assert steps(notes, "A") == ["0 begin"] * 3 + ["1 begin", "1 end"]
    eventually(lambda: left_over(connection, queue) == [])


def test_a_plain_rq_publisher_keeps_the_order(
    connection: Redis, queue: str, notes: Path, start_worker: Start
) -> None:
    """Its jobs are compressed: the worker reads the keys for the script."""
    plain = Queue(queue, connection=connection, serializer="json")
    for number in range(3):
        for key in ("A", "B"):
            payload = {"notes": str(notes), "orderId": key, "number": number, "seconds": 0.02}
            if number % 2:
                plain.enqueue("engine_process_jobs.step", **payload)
            else:
                plain.enqueue("engine_process_jobs.step", payload)
    plain.enqueue("engine_process_jobs.step", {"orderId": "A"})  # fails, and holds nobody up
    start_worker(Options(concurrency=8))
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 6)
    assert steps(notes, "A") == steps(notes, "B") == in_order(3)
    eventually(lambda: connection.zcard(f"rq:failed:{queue}") == 1)
    eventually(lambda: left_over(connection, queue) == [])


def test_a_worker_that_leaves_when_the_queue_is_empty_looks_at_all_of_it(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, hand: Hand
) -> None:
    (holder,) = publish(publisher, notes, "A")
    assert hand.take(1) == [holder]
    plain = Queue(queue, connection=connection, serializer="json")
    publish(publisher, notes, "A" * 1100)
    plain.enqueue("engine_process_jobs.step", notes=str(notes), orderId="B", number=0)
    ThreadWorker([queue], connection, uuid4().hex, Options(concurrency=2)).run(burst=True)
    assert steps(notes, "B") == in_order(1)
    assert connection.zcard(f"rq:deferred:{queue}") == 1100


def test_processors_share_an_order_when_their_keys_are_the_same(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, start_worker: Start
) -> None:
    for number, which in enumerate((step, async_step, careful_step, async_step)):
        seconds = 0.0 if number % 2 else 0.1
        publisher.publish(
            which, Step(notes=str(notes), order_id="A", number=number, seconds=seconds)
        )
    start_worker()
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 4)
    assert steps(notes, "A") == in_order(4)


@pytest.mark.parametrize("how", ["delete", "cancel", "expire"])
def test_a_job_that_vanishes_from_the_line_holds_nobody_up(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, hand: Hand, how: str
) -> None:
    first, second, third = publish(publisher, notes, "AAA")
    assert hand.take(9) == [first]
    job = Job.fetch(second, connection=connection, serializer=JSONSerializer)
    if how == "expire":
        connection.delete(job.key)
    else:
        getattr(job, how)()
    hand.end(first)
    assert hand.take(9) == [third]
    hand.end(third)
    assert left_over(connection, queue) == []


@pytest.mark.parametrize("how", ["delete", "cancel"])
def test_a_holder_that_vanishes_gives_its_key_on(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, start_worker: Start, how: str
) -> None:
    failing, later = (
        publisher.publish(step, Step(notes=str(notes), order_id="A", number=n, failures=1 - n))
        for n in range(2)
    )
    worker = start_worker(Options(lease=2))
    del worker
    scheduled = f"rq:scheduled:{queue}"
    eventually(lambda: connection.zscore(scheduled, failing.job_id) is not None)
    connection.zadd(scheduled, {failing.job_id: 4e9})  # its next attempt is far away
    eventually(lambda: status(connection, later.job_id) == JobStatus.DEFERRED)
    getattr(Job.fetch(failing.job_id, connection=connection, serializer=JSONSerializer), how)()
    eventually(lambda: status(connection, later.job_id) == JobStatus.FINISHED)
    eventually(lambda: left_over(connection, queue) == [])


def test_a_long_line_is_made_and_left_in_bounded_steps(
    connection: Redis, queue: str, publisher: Publisher, notes: Path, hand: Hand
) -> None:
    queued = publish(publisher, notes, "A" * 1200)
    assert hand.take(5) == queued[:1]
    assert connection.llen(f"rq:queue:{queue}") >= 600  # one trip looks at some 500
    claims = hand.claims
    while connection.llen(f"rq:queue:{queue}"):
        assert hand.take(5) == []
    hand.claims = claims
    for number in range(1, 20):
        hand.end(queued[number - 1])
        assert hand.take(5) == [queued[number]]


class Wide(Payload):
    """Everything that a template may name."""

    text: str = "none"
    number: int = 7
    flag: bool = False
    maybe: str | None = None


@processor(order="{text}/{number}/{flag}/{maybe}")
def wide(payload: Wide) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (
            {"text": "가'\"\n/{x}%1", "number": 12, "flag": True, "maybe": None},
            "가'\"\n/{x}%1/12/true/null",
        ),
        ({"text": "a", "number": -0, "flag": False, "maybe": "b"}, "a/0/false/b"),
        ({"text": "a", "number": 2**60 + 1, "flag": False, "maybe": "b"}, f"a/{2**60 + 1}/false/b"),
        ({"text": "a", "number": 5.0, "flag": False, "maybe": "b"}, "a/5/false/b"),
        ({"text": "a"}, "a/7/false/null"),
        ({}, "none/7/false/null"),
        ({"text": ["no text"]}, ""),
    ],
)
def test_redis_and_python_read_the_same_key(
    connection: Redis, queue: str, hand: Hand, payload: dict[str, object], key: str
) -> None:
    data = json.dumps([wide.path, None, [payload], {}], ensure_ascii=False).encode()
    assert Orders([wide]).read(data) == (key, False)
    job_id = uuid4().hex
    connection.hset(f"rq:job:{job_id}", mapping={"data": data, "status": "queued"})
    connection.rpush(f"rq:queue:{queue}", job_id)
    assert hand.take(1) or hand.take(1) == [job_id]
    assert hand.claims[job_id].order == key


def test_an_order_that_cannot_work_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="after_failure"):
        Order("{text}", after_failure="stop")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"test_engine_order\.py:\d+: .*names 'other'"):
        processor(order="{other}")(wide.function)
