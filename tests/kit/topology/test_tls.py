"""Redis by TLS: `rediss://` checks the server's certificate."""

from __future__ import annotations

import pytest
from tls import TlsFront

from program import program
from program_jobs import nap


@pytest.fixture
def front(tmp_path, redis_server):
    """TLS in front of this test's server."""
    made = TlsFront(tmp_path, redis_server.port)
    yield made
    made.stop()


def test_the_worker_works_by_tls(front, tmp_path, queue):
    url = f"rediss://127.0.0.1:{front.port}/0?ssl_ca_certs={front.authority}"
    with program(tmp_path, url, queue, "enqueue", nap.path, "{}") as enqueue:
        assert enqueue.exit_code() == 0
    with program(tmp_path, url, queue) as worker:
        worker.wait_for("job.done")
        worker.signal()
        assert worker.exit_code() == 0


def test_a_certificate_that_nobody_vouches_for_is_refused(front, tmp_path, queue):
    url = f"rediss://127.0.0.1:{front.port}/0"
    with program(tmp_path, url, queue, "check", "--only", "redis") as check:
        assert check.exit_code() == 1
    assert "CERTIFICATE_VERIFY_FAILED" in check.output
