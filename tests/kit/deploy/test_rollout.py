"""A rollout under load: replicas are replaced one by one while jobs keep coming."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack

from program import program
from program_jobs import Nap, nap
from support import eventually
from worker_payment.kit.engine import Publisher

ROUNDS = 3


def test_two_replicas_are_replaced_in_turn_and_nothing_is_lost_or_done_twice(
    tmp_path, redis_url, queue, connection
):
    stop = threading.Event()
    published: list[str] = []

    def publish():
        publisher = Publisher(connection, queue)
        while not stop.wait(0.02):
            receipts = publisher.publish_many(nap, [Nap(nap_seconds=0.05)] * 2)
            published.extend(receipt.job_id for receipt in receipts)

    publishing = threading.Thread(target=publish)
    with ExitStack() as stack:
        every = []

        def replica():
            folder = tmp_path / str(len(every))
            folder.mkdir()
            new = stack.enter_context(
                program(folder, redis_url, queue, WORKER_CONCURRENCY="4", WORKER_LEASE="16")
            )
            every.append(new)
            new.wait_for("worker.start")
            return new

        serving = [replica(), replica()]
        publishing.start()
        try:
            for _ in range(ROUNDS):
                for index in range(2):
                    old, serving[index] = serving[index], replica()  # maxSurge: 1
                    eventually(lambda old=old: old.lines("job.start"), 20)
                    old.signal()
                    assert old.exit_code() == 0
                    assert old.lines("worker.stop", givenBack=0)
        finally:
            stop.set()
            publishing.join()
        eventually(lambda: connection.zcard(f"rq:finished:{queue}") == len(published), 60)
        for each in serving:
            each.signal()
            assert each.exit_code() == 0
    runs = Counter(line["jobId"] for each in every for line in each.lines("job.start"))
    assert len(published) > 100
    assert runs == Counter(published)
    assert connection.zcard(f"rq:failed:{queue}") == 0
