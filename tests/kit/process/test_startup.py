"""Waiting for Redis at start."""

from __future__ import annotations

import threading

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from support import NOBODY, RedisServer
from worker_payment.kit.process.startup import wait_for_redis


def client(port, **options):
    """A client that does not retry by itself."""
    return Redis(port=port, retry=Retry(NoBackoff(), 0), **options)


def test_a_server_that_is_there_is_not_waited_for(redis_server):
    tries = []
    with client(redis_server.port) as redis:
        assert wait_for_redis(redis, threading.Event(), lambda: tries.append(1))
    assert tries == []


def test_a_server_that_comes_late_is_waited_for(tmp_path):
    server = RedisServer(tmp_path)
    try:
        with client(server.port) as redis:
            assert wait_for_redis(redis, threading.Event(), server.start)
    finally:
        server.stop()


def test_waiting_ends_when_the_worker_is_told_to_stop():
    stop = threading.Event()
    with client(NOBODY) as redis:
        assert not wait_for_redis(redis, stop, stop.set)


def test_a_wrong_password_is_not_waited_on(redis_server):
    with client(redis_server.port) as redis:
        redis.config_set("requirepass", "right")
    wrong = client(redis_server.port, password="wrong")
    with wrong as redis, pytest.raises(AuthenticationError):
        wait_for_redis(redis, threading.Event())
