"""Order by key through kills, drains and an outage: nothing lost, and no key out of order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from engine_process import process
from engine_process_jobs import Step, step
from support import RedisServer, eventually
from worker_payment.kit.engine import Publisher

FULL = os.environ.get("CHAOS") == "full"
KEYS, EACH, KILLS, REPLICAS, CONCURRENCY = (200, 30, 60, 4, 10) if FULL else (20, 12, 3, 2, 5)

pytestmark = pytest.mark.timeout(600)


def publish(client: Redis, queue: str, notes: Path) -> int:
    """Publish by turns as our publishers and as RQ's do; every seventh job fails once."""
    ours, plain = Publisher(client, queue), Queue(queue, connection=client, serializer="json")
    jobs = [
        Step(
            notes=str(notes),
            order_id=f"K{key}",
            number=number,
            seconds=0.02,
            failures=int((number + key) % 7 == 0),
        )
        for number in range(EACH)
        for key in range(KEYS)
    ]
    half = len(jobs) // 2
    ours.publish_many(step, jobs[:half])
    for job in jobs[half:]:
        plain.enqueue(step.path, job.model_dump(by_alias=True))
    return len(jobs)


def check(notes: Path) -> int:
    """Nothing lost, and each key in order. Returns how many jobs ran to their end again."""
    ends: Counter[tuple[str, int]] = Counter()
    last: dict[str, int] = defaultdict(int)
    for line in notes.read_text().splitlines():
        key, text, word, _ = line.split()
        number = int(text)
        assert number >= last[key], f"{key}: {number} after {last[key]}"
        if number > last[key]:
            assert number == last[key] + 1, f"{key}: {number} after {last[key]}"
            assert ends[key, last[key]], f"{key}: {number} began before {last[key]} had ended"
        last[key] = number
        ends[key, number] += word == "end"
    assert len([job for job, count in ends.items() if count]) == KEYS * EACH
    return sum(ends.values()) - KEYS * EACH


def test_no_key_gets_out_of_order_while_workers_and_redis_come_and_go(
    redis_server: RedisServer, queue: str, tmp_path: Path
) -> None:
    notes = tmp_path / "steps"
    client = Redis.from_url(redis_server.url)
    number = publish(client, queue, notes)
    dice = random.Random(16)
    killed = 0
    with ExitStack() as stack:

        def start() -> subprocess.Popen[bytes]:
            return stack.enter_context(
                process(redis_server.url, queue, concurrency=CONCURRENCY, limit=99)
            )

        workers = [start() for _ in range(REPLICAS)]
        eventually(lambda: client.zcard(f"rq:wip:{queue}") > 0, 30)
        for each in range(KILLS):
            time.sleep(dice.uniform(0.3, 0.9))
            if each == KILLS // 2:
                redis_server.stop(kill=True)
                time.sleep(1.0)
                redis_server.start()
            how = signal.SIGTERM if each % 3 == 2 else signal.SIGKILL
            killed += how is signal.SIGKILL
            victim = dice.randrange(REPLICAS)
            workers[victim].send_signal(how)
            workers[victim].wait(30)
            workers[victim] = start()
        eventually(lambda: client.zcard(f"rq:finished:{queue}") == number, 240 if FULL else 60)
        eventually(lambda: not list(client.scan_iter(f"rq:order:{queue}*")))
    again = check(notes)
    print(f"{number} jobs, {KEYS} keys, {killed} x SIGKILL of {KILLS} ends: {again} ran again")
    assert again <= killed * CONCURRENCY
    assert not client.exists(f"rq:queue:{queue}", f"rq:wip:{queue}", f"rq:deferred:{queue}")
