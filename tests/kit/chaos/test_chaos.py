"""Chaos: kills, outages, stalls and hostile jobs under load.

`make test` runs a short form. `make chaos` (CHAOS=full) runs the long one, some minutes.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import engine_jobs as jobs
from engine_process import count_jobs, process, times_run
from support import RedisServer, eventually, free_port
from worker_payment.kit.engine import Publisher

FULL = os.environ.get("CHAOS") == "full"
JOBS, KILLS, CONCURRENCY = (12_000, 10, 20) if FULL else (300, 2, 10)
OUTAGES = (3.0, 15.0, 60.0) if FULL else (1.0,)
PATIENCE = 240 if FULL else 60

pytestmark = pytest.mark.timeout(600)


def finished(client: Redis, queue: str) -> int:
    return int(client.zcard(f"rq:finished:{queue}"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_come_and_go(
    redis_server: RedisServer, queue: str, notes: Path, how: signal.Signals
) -> None:
    client = Redis.from_url(redis_server.url)
    queued = count_jobs(client, queue, notes, JOBS, 0.01)
    dice = random.Random(7)
    with ExitStack() as stack:

        def start() -> subprocess.Popen[bytes]:
            worker = process(redis_server.url, queue, concurrency=CONCURRENCY, limit=5)
            return stack.enter_context(worker)

        workers = [start(), start()]
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.5, 1.5))
            victim = dice.randrange(2)
            workers[victim].send_signal(how)
            workers[victim].wait(30)
            workers[victim] = start()
        eventually(lambda: finished(client, queue) == len(queued), PATIENCE)
    runs = times_run(notes)
    extra = sum(runs.values()) - len(queued)
    print(f"{len(queued)} jobs, {KILLS} x {how.name}: {extra} extra runs")
    assert len(runs) == len(queued)
    assert client.llen(f"rq:queue:{queue}") == client.zcard(f"rq:wip:{queue}") == 0
    if how is signal.SIGTERM:
        assert extra == 0
    else:
        assert extra <= KILLS * CONCURRENCY


@pytest.mark.parametrize("seconds", OUTAGES)
def test_redis_dies_and_comes_back(
    redis_server: RedisServer, queue: str, notes: Path, seconds: float
) -> None:
    client = Redis.from_url(redis_server.url)
    number = 4_000 if FULL else 300
    count_jobs(client, queue, notes, number, 0.01)
    with process(redis_server.url, queue), process(redis_server.url, queue):
        eventually(lambda: finished(client, queue) > number / 10, 30)
        redis_server.stop(kill=True)
        time.sleep(seconds)
        redis_server.start()
        eventually(lambda: finished(client, queue) == number, PATIENCE)
    runs = times_run(notes)
    assert len(runs) == number  # none lost
    assert max(runs.values()) == 1


class StallingProxy:
    """Stands between worker and Redis, and can hold all bytes back.

    Args:
        target: Port of the real server.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self) -> None:
        """Let nothing through; connections stay open."""
        self._flows.clear()

    def release(self) -> None:
        """Let everything through again."""
        self._flows.set()

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread, which `close` does not
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
        except OSError:
            pass  # one side has gone
        finally:
            source.close()
            sink.close()


def test_network_stalls(redis_server: RedisServer, queue: str, notes: Path) -> None:
    client = Redis.from_url(redis_server.url)
    number = 1_000 if FULL else 300
    count_jobs(client, queue, notes, number, 0.01)
    proxy = StallingProxy(redis_server.port)
    with process(f"redis://127.0.0.1:{proxy.port}/0", queue):
        eventually(lambda: finished(client, queue) > number / 10, 30)
        proxy.hold()
        time.sleep(12 if FULL else 6)  # longer than a command's timeout
        proxy.release()
        eventually(lambda: finished(client, queue) == number, PATIENCE)
    proxy.close()
    runs = times_run(notes)
    assert len(runs) == number
    assert sum(runs.values()) <= number + 10  # what a reply that never came left in the middle


def test_disk_behind_the_aof_is_full(tmp_path: Path, notes: Path, queue: str) -> None:
    limit = 2_000_000
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the server inherits both
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
    try:
        server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
        try:
            server.start()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
            signal.signal(signal.SIGXFSZ, handler)
        client = Redis.from_url(server.url, retry=Retry(NoBackoff(), 0))
        count_jobs(client, queue, notes, 200, 0.01)
        assert server.process is not None
        with process(server.url, queue):
            eventually(lambda: finished(client, queue) > 20, 30)
            size = _appended(tmp_path) + 1
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, unlimited[1]))
            time.sleep(2.0)
            alive = server.process.poll() is None
            if alive:
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
            else:  # with `appendfsync always` the server ends rather than lie
                server.start()
            eventually(lambda: finished(client, queue) == 200, PATIENCE)
        assert len(times_run(notes)) == 200
    finally:
        server.stop()


def _appended(folder: Path) -> int:
    return max(file.stat().st_size for file in folder.rglob("*.aof"))


def test_hostile_jobs_do_not_stop_a_worker(
    redis_server: RedisServer, queue: str, notes: Path
) -> None:
    client = Redis.from_url(redis_server.url)
    publisher = Publisher(client, queue)
    deeds = ["exit", "interrupt", "fork", "threads", "set", "deep", "lines", "close"]
    with process(redis_server.url, queue, concurrency=2) as worker:
        for deed in deeds:
            publisher.publish(jobs.misbehave, jobs.Note(text=deed, failures=_lines()))
        publisher.publish(jobs.block_in_c, jobs.Note())
        count_jobs(client, queue, notes, 50, 0.0)
        eventually(lambda: len(times_run(notes)) == 50, PATIENCE)
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    assert client.zcard(f"rq:wip:{queue}") == 0
    assert not _children_of(worker.pid)


def _lines() -> int:
    """How many lines the job that logs too much writes."""
    return 1_000_000 if FULL else 20_000


def _children_of(pid: int) -> list[int]:
    if sys.platform != "linux":
        return []
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == pid:
            found.append(int(entry.parent.name))
    return found


def test_a_worker_that_is_paused_again_and_again_loses_nothing(
    redis_server: RedisServer, queue: str, notes: Path
) -> None:
    client = Redis.from_url(redis_server.url)
    number = 600 if FULL else 100
    count_jobs(client, queue, notes, number, 0.05)
    with process(redis_server.url, queue) as paused, process(redis_server.url, queue):
        for _ in range(5 if FULL else 1):
            time.sleep(0.5)
            paused.send_signal(signal.SIGSTOP)
            time.sleep(4.0)  # past its lease
            paused.send_signal(signal.SIGCONT)
        eventually(lambda: finished(client, queue) == number, PATIENCE)
    assert len(times_run(notes)) == number
