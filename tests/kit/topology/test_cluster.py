"""Redis Cluster is not supported, and the worker says so instead of failing later."""

from __future__ import annotations

from program import program
from support import RedisServer, free_port


def test_a_cluster_is_refused_in_one_sentence(tmp_path, queue):
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    server = RedisServer(tmp_path, *options).start()
    try:
        with program(tmp_path, server.url, queue) as worker:
            assert worker.exit_code() == 2
            assert "Redis Cluster, which is not supported" in worker.output
        with program(tmp_path, server.url, queue, "check", "--only", "redis") as check:
            assert check.exit_code() == 1
            assert "Redis Cluster, which is not supported" in check.output
    finally:
        server.stop()
