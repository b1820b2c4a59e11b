"""Redis behind Sentinel: the worker finds the master, and the new one after a failover."""

from __future__ import annotations

from collections import Counter

import pytest
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sentinels import Sentinels

from program import program
from program_jobs import Nap, nap
from support import eventually
from worker_payment.kit.config.topology import (
    check_url,
    connect,
    parse_sentinel,
)
from worker_payment.kit.engine import Publisher


@pytest.fixture
def sentinels(tmp_path):
    """A group for one test."""
    group = Sentinels(tmp_path)
    try:
        yield group.start()
    finally:
        group.stop()


@pytest.mark.parametrize("how", ["asked", "killed"])
def test_a_failover_with_jobs_running_loses_none(sentinels, tmp_path, queue, how):
    patient = Retry(ExponentialBackoff(cap=1.0, base=0.1), 15)
    client = connect(sentinels.url, retry=patient, retry_on_error=[RedisError], socket_timeout=3)
    publisher = Publisher(client, queue)
    published = publisher.publish_many(nap, [Nap(nap_seconds=0.05) for _ in range(200)])
    before = sentinels.port_of_master()
    with program(tmp_path, sentinels.url, queue, WORKER_CONCURRENCY="4") as worker:
        eventually(lambda: len(worker.lines("job.done")) > 20, 30)
        # What Redis has acknowledged but not yet copied can be lost: that is Sentinel's nature.
        client.wait(1, 1000)
        if how == "asked":
            sentinels.fail_over()
        else:
            sentinels.master.stop(kill=True)
        eventually(lambda: sentinels.port_of_master() != before, 30)
        done = [job.job_id for job in published]
        eventually(lambda: client.zcard(f"rq:finished:{queue}") == len(done), 60)
        eventually(lambda: {line["jobId"] for line in worker.lines("job.done")} == set(done), 10)
        runs = Counter(line["jobId"] for line in worker.lines("job.done"))
        # Twice ran at most what ended while the master was changing.
        assert sum(runs.values()) - len(done) <= 4 * 2
        worker.signal()
        assert worker.exit_code() == 0
    client.close()


@pytest.mark.parametrize(
    ("url", "nodes", "master", "options"),
    [
        ("redis+sentinel://a:1,b:2/m", (("a", 1), ("b", 2)), "m", {}),
        ("redis+sentinel://a/m/3", (("a", 26379),), "m", {"db": 3}),
        (
            "redis+sentinel://me:p%40ss@[::1]:5/m?socket_timeout=2.5",
            (("::1", 5),),
            "m",
            {"username": "me", "password": "p@ss", "socket_timeout": 2.5},
        ),
    ],
)
def test_the_parts_of_a_url(url, nodes, master, options):
    target = parse_sentinel(url)
    assert (target.nodes, target.master) == (nodes, master)
    assert options.items() <= target.connection.items()
    assert target.sentinel == {}


def test_sentinels_have_a_password_of_their_own():
    target = parse_sentinel("rediss+sentinel://:a@s:1/m?sentinel_password=b&ssl_ca_certs=/ca.pem")
    assert target.sentinel == {"password": "b", "ssl": True, "ssl_ca_certs": "/ca.pem"}
    assert target.connection["password"] == "a"
    assert target.connection["ssl"] is True


@pytest.mark.parametrize(
    "url",
    [
        "http://h/0",
        "redis+sentinel://h:1",
        "redis+sentinel:///m",
        "redis+sentinel://h:s3cret/m",
        "redis+sentinel://h:1/m/s3cret",
        "redis+sentinel://h:1/m?s3cret",
        "redis://:s3cret@h:port/0",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match=r"must|needs|no URL") as refused:
        check_url(url)
    assert "s3cret" not in str(refused.value)
