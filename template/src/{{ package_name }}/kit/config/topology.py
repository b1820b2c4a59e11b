"""Where Redis is: one server, or a master that Sentinel names. A Cluster is refused.

`redis+sentinel://[user:password@]host:port,host:port/MASTER[/db][?options]`, or `rediss+sentinel`
for TLS. Options are those of redis-py's URLs; `sentinel_username` and `sentinel_password` are for
the sentinels themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from .dotenv import SettingsError

if TYPE_CHECKING:
    from redis import Redis

_SENTINEL = {"redis+sentinel": False, "rediss+sentinel": True}  # scheme: with TLS
SCHEMES = ("redis", "rediss", "unix", *_SENTINEL)
_SENTINEL_PORT = 26379


class SentinelTarget(NamedTuple):
    """A Sentinel URL, taken apart.

    Args:
        nodes: Host and port of every sentinel.
        master: The name under which they know the master.
        connection: Options of connections to the master.
        sentinel: Options of connections to the sentinels.
    """

    nodes: tuple[tuple[str, int], ...]
    master: str
    connection: dict[str, Any]
    sentinel: dict[str, Any]


def check_url(url: str) -> None:
    """Check a `REDIS_URL` without connecting.

    Raises:
        ValueError: It is none. The message repeats nothing of it.
    """
    scheme = url.partition("://")[0]
    if "://" not in url or scheme not in SCHEMES:
        raise ValueError("must start with redis://, rediss://, unix:// or redis+sentinel://")
    if scheme in _SENTINEL:
        parse_sentinel(url)
        return
    try:
        if "?" in url:
            _parsed(url)
        else:  # all that redis-py refuses here, and it need not be loaded for every command
            _ = urlsplit(url).port
    except ValueError:
        raise ValueError("is no URL; special characters in it must be %-encoded") from None


def parse_sentinel(url: str) -> SentinelTarget:
    """Take a Sentinel URL apart.

    Raises:
        ValueError: It is not complete. The message repeats nothing of it.
    """
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    master, _, db = parts.path.strip("/").partition("/")
    if not hosts or not master:
        raise ValueError("needs sentinels and a master: redis+sentinel://host:port,host:port/NAME")
    try:
        options = _options(parts, db)
        nodes = tuple(_node(each) for each in hosts.split(","))
    except ValueError:
        raise ValueError("is no URL; special characters in it must be %-encoded") from None
    user, _, password = account.partition(":")
    for name, value in (("username", user), ("password", password)):
        if value:
            options[name] = unquote(value)
    sentinel = {
        name.removeprefix("sentinel_"): options.pop(name)
        for name in ("sentinel_username", "sentinel_password")
        if name in options
    }
    if _SENTINEL[parts.scheme]:
        options["ssl"] = sentinel["ssl"] = True
        sentinel |= {name: value for name, value in options.items() if name.startswith("ssl_")}
    return SentinelTarget(nodes, unquote(master), options, sentinel)


def _options(parts: SplitResult, db: str) -> dict[str, Any]:
    """The options in the query, by redis-py's own reading of them."""
    query = urlencode(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    scheme = "rediss" if _SENTINEL[parts.scheme] else "redis"
    options = _parsed(f"{scheme}://x/{int(db or 0)}?{query}")
    for name in ("host", "connection_class"):
        options.pop(name, None)
    return options


def _parsed(url: str) -> dict[str, Any]:
    from redis.connection import parse_url  # noqa: PLC0415

    return dict(parse_url(url))  # type: ignore[no-untyped-call]


def _node(text: str) -> tuple[str, int]:
    found = urlsplit(f"//{text}")
    if not found.hostname:
        raise ValueError
    return found.hostname, found.port or _SENTINEL_PORT


def connect(url: str, **options: Any) -> Redis:
    """A client for what a checked `REDIS_URL` names. It connects when it is used.

    Args:
        url: The URL.
        options: Options of every connection, for instance time-outs.
    """
    from redis import Redis  # noqa: PLC0415
    from redis.sentinel import Sentinel  # noqa: PLC0415

    if urlsplit(url).scheme not in _SENTINEL:
        return Redis.from_url(url, **options)
    target = parse_sentinel(url)
    # After a failover a connection that breaks asks the sentinels again.
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        list(target.nodes), sentinel_kwargs=options | target.sentinel, **options | target.connection
    )
    client: Redis = sentinel.master_for(target.master)  # type: ignore[no-untyped-call]
    return client


def refuse_cluster(connection: Redis) -> None:
    """Make sure that the server is not part of a Redis Cluster.

    Raises:
        SettingsError: It is.
    """
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        found = connection.info("cluster").get("cluster_enabled")
    except RedisError:
        return  # away again, or no permission to ask: whoever works with it will find out
    if found:
        raise SettingsError(
            "REDIS_URL names a Redis Cluster, which is not supported: one script changes several "
            "keys of a queue at once. Use one server, with a replica and Sentinel against its loss"
        )
