"""An hour under steady load: memory, threads, connections and keys must stay flat.

    python benchmarks/soak.py --minutes 60 --rate 200

Renders a worker, starts it on an embedded server, publishes at the given rate and prints a
row a minute; at the end the growth over the second half.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from redis import Redis
from workers import Server, render_worker, start_python

JOBS = """
import time
from {package}.kit import Backoff, Payload, processor

class Work(Payload):
    number: int

@processor(result_ttl=60, backoff=Backoff(first=1.0))
def work(payload: Work) -> int:
    time.sleep(0.01)
    if payload.number % 50 == 0 and time.time() % 1 < 0.5:
        raise ConnectionError("one in a hundred fails, and is retried")
    return payload.number
"""


def main() -> None:
    """Run the soak and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=200, help="jobs a second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = render_worker(folder)
        (project / "src" / "soak_jobs.py").write_text(JOBS.format(package="worker_blank"))
        server = Server(folder)
        try:
            soak(project, server, options.minutes, options.rate)
        finally:
            server.stop()


def soak(project: Path, server: Server, minutes: float, rate: int) -> None:
    """Publish for so many minutes, looking at the worker once a minute."""
    environment = {
        "REDIS_URL": server.url,
        "WORKER_QUEUE": "soak",
        "WORKER_CONCURRENCY": "20",
        "PYTHONPATH": str(project / "src"),
        "WORKER_HEALTH_FILE": str(project / "health"),
    }
    code = "import soak_jobs; from worker_blank.__main__ import main; main()"
    worker = start_python(["-c", code, "run"], environment, cwd=project)
    publisher_code = PUBLISH.format(rate=rate, seconds=minutes * 60)
    publisher = start_python(["-c", publisher_code], environment, cwd=project)
    client = Redis.from_url(server.url)
    rows: list[tuple[float, int, int, int, float]] = []
    print("minute  RSS MB  threads  connections    keys  Redis MB  waiting")
    try:
        for minute in range(1, round(minutes) + 1):
            time.sleep(60)
            row = (*memory_and_threads(worker.pid), *redis_state(client))
            rows.append(row)
            waiting = client.llen("rq:queue:soak")
            rss, threads, connections, keys, size = row
            print(
                f"{minute:6} {rss:7.1f} {threads:8} {connections:12} {keys:7} {size:9.1f}"
                f" {waiting:8}",
                flush=True,
            )
        publisher.wait()
        while client.llen("rq:queue:soak") or client.zcard("rq:wip:soak"):
            time.sleep(0.5)
    finally:
        publisher.kill()
        worker.terminate()
        print(f"worker's exit code: {worker.wait(60)}")
    half = rows[len(rows) // 2 :]
    if len(half) > 1:
        print(
            f"growth over the second half: RSS {half[-1][0] - half[0][0]:+.1f} MB, "
            f"threads {half[-1][1] - half[0][1]:+}, connections {half[-1][2] - half[0][2]:+}, "
            f"keys {half[-1][3] - half[0][3]:+}"
        )


PUBLISH = """
import time, soak_jobs
from redis import Redis
from worker_blank.kit import Publisher
import os
publisher = Publisher(Redis.from_url(os.environ["REDIS_URL"]), "soak")
start = time.monotonic(); number = 0
while time.monotonic() - start < {seconds}:
    due = int((time.monotonic() - start) * {rate})
    payloads = [soak_jobs.Work(number=n) for n in range(number, due)]
    publisher.publish_many(soak_jobs.work, payloads)
    number = max(number, due)
    time.sleep(0.1)
"""


def memory_and_threads(pid: int) -> tuple[float, int]:
    """Resident memory in MB and number of threads of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"])


def redis_state(client: Redis) -> tuple[int, int, float]:
    """Connections, keys and memory in MB of the server."""
    info = client.info()
    return info["connected_clients"], client.dbsize(), info["used_memory"] / 2**20


if __name__ == "__main__":
    os.environ.pop("REDIS_URL", None)
    main()
