"""Is this Redis fit to keep jobs? Versions, eviction, persistence, clocks, permissions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError

from ..config.topology import refuse_cluster
from .findings import Finding, fail, ok, warn

OLDEST = 7  # major version of Redis whose scripts and commands the engine needs
_SKEW = 1.0  # seconds that clocks may differ
_FULL = 0.8  # share of maxmemory from which it is worth a word


def examine_server(connection: Redis) -> Iterator[Finding]:
    """Look at the server.

    Raises:
        SettingsError: It is part of a Cluster.
        redis.exceptions.RedisError: It cannot be reached.
    """
    refuse_cluster(connection)
    yield from _examine_clock(connection)
    try:
        info: dict[str, Any] = connection.info()
    except NoPermissionError:
        yield warn(
            "the ACL user may not use INFO (+info): version, eviction and persistence are unknown"
        )
        return
    yield _version(info)
    if info.get("role") == "slave":
        yield fail("this server is a read-only replica; REDIS_URL must name the master")
    yield from _examine_memory(info)
    yield from _examine_persistence(info)


def _version(info: dict[str, Any]) -> Finding:
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version", "?")
    if int(str(info.get("redis_version", "0")).split(".")[0]) < OLDEST:
        return fail(
            "{server} is too old; Redis {oldest} or Valkey is needed",
            server=f"{name} {version}",
            oldest=OLDEST,
        )
    return ok(f"{name} {version}")


def _examine_memory(info: dict[str, Any]) -> Iterator[Finding]:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield warn(
            "maxmemory-policy is {policy}: when memory is short, Redis throws jobs away; "
            "set noeviction",
            policy=policy,
        )
    used, limit = info.get("used_memory", 0), info.get("maxmemory", 0)
    if limit and used > limit * _FULL:
        yield warn(
            "{share} of maxmemory is used; when it is full, nothing is queued",
            share=f"{used / limit:.0%}",
        )


def _examine_persistence(info: dict[str, Any]) -> Iterator[Finding]:
    if info.get("loading"):
        yield warn("it is still loading its data")
    if not info.get("aof_enabled"):
        yield warn("appendonly is off: a crash of Redis loses every job since its last snapshot")
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield fail("its last write to the append-only file failed; is the disk full?")
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        yield warn("its last snapshot failed; is the disk full?")


def _examine_clock(connection: Redis) -> Iterator[Finding]:
    """Delayed jobs are due by the worker's clock, and other tools go by the server's."""
    asked = time.time()
    try:
        seconds, microseconds = connection.time()
    except NoPermissionError:
        yield warn("the ACL user may not use TIME (+time): clocks were not compared")
        return
    answered = time.time()
    skew = seconds + microseconds / 1e6 - (asked + answered) / 2
    if abs(skew) > _SKEW + (answered - asked) / 2:
        seconds_off = f"{abs(skew):.1f}"
        if skew > 0:
            yield warn(
                "this machine's clock is {seconds} s behind the server's", seconds=seconds_off
            )
        else:
            yield warn(
                "this machine's clock is {seconds} s ahead of the server's", seconds=seconds_off
            )
