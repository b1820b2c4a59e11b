"""An ACL user with just what docs/runbooks/deploy.md grants: its own keys, nothing dangerous."""

from __future__ import annotations

import re

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from program import program
from program_jobs import Nap, nap, stumble
from support import ROOT, eventually
from worker_payment.kit.engine import Publisher

PASSWORD = "w0rker-s3cret"


@pytest.fixture
def url(redis_server):
    """The server with the user of the runbook."""
    runbook = (ROOT / "docs/runbooks/deploy.md").read_text()
    (rule,) = re.findall(r"^ACL SETUSER (.+)$", runbook, re.MULTILINE)
    with Redis(port=redis_server.port) as admin:
        admin.execute_command("ACL", "SETUSER", *rule.replace("PASSWORD", PASSWORD).split())
    return f"redis://worker:{PASSWORD}@127.0.0.1:{redis_server.port}/0"


def test_the_worker_does_all_its_work(url, tmp_path, queue):
    client = Redis.from_url(url)
    publisher = Publisher(client, queue)
    done = publisher.publish_many(nap, [Nap(), Nap(nap_seconds=0.1)])
    delayed = nap.enqueue(Nap(), delay=0.5, publisher=publisher)
    failed = stumble.enqueue(Nap(), publisher=publisher)
    with program(tmp_path, url, queue, modules=True) as worker:
        worker.wait_for("job.retry", jobId=failed.job_id)
        worker.wait_for("job.failed", jobId=failed.job_id)
        for each in (*done, delayed):
            worker.wait_for("job.done", jobId=each.job_id)
        worker.signal()
        assert worker.exit_code() == 0
    assert "NoPermission" not in worker.output
    assert "error.unexpected" not in worker.output
    for command in ("check", "stats"):
        with program(tmp_path, url, queue, command, modules=True) as run:
            run.exit_code()
        assert "may not use" not in run.output
        assert "NoPermission" not in run.output
    with pytest.raises(NoPermissionError):
        client.get("somebody-elses-key")
    with pytest.raises(NoPermissionError):
        client.flushall()
    client.close()


def test_check_says_which_permission_is_missing(url, redis_server, tmp_path, queue):
    with Redis(port=redis_server.port) as admin:
        admin.execute_command("ACL", "SETUSER", "worker", "-info", "-time")
    with program(tmp_path, url, queue, "check", "--only", "redis,queue") as check:
        assert check.exit_code() == 0
    assert "(+info)" in check.output
    assert "(+time)" in check.output
    eventually(lambda: "jobs wait" in check.output)
    assert PASSWORD not in check.output
