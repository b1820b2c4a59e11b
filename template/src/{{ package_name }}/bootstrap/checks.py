"""`check`: every part of the worker is reached once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import processors as _processors
from ..config import Settings
from ..config.redis import worker_connection
from ..engine import processors
from ..integrations import chosen_modules


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check.

    Args:
        name: The part.
        ok: Whether it can be used.
        detail: What was found, in a sentence without secrets.
    """

    name: str
    ok: bool
    detail: str


def run_checks(settings: Settings) -> Iterator[Check]:
    """Check the settings' parts one after the other; one failure does not end it."""
    yield Check("settings", True, f"{settings.worker_name}, queue {settings.worker_queue}")
    yield _attempt("processors", _check_processors)
    yield _attempt("redis", lambda: _check_redis(settings))
    for module in chosen_modules():
        yield _attempt(module.name, module.check)


def _attempt(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except Exception as error:  # whatever it is, it is the answer
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Check(name, False, text.removesuffix(":"))


def _check_processors() -> str:
    _processors.load()
    names = [each.name for each in processors()]
    if not names:
        raise LookupError("no processor found in processors/")
    return ", ".join(names)


def _check_redis(settings: Settings) -> str:
    with worker_connection(settings) as connection:
        info = connection.info()
        waiting = connection.llen(f"rq:queue:{settings.worker_queue}")
    version = info.get("valkey_version") or info.get("redis_version", "?")
    major = int(str(info.get("redis_version", "0")).split(".")[0])
    if major < 7:
        raise RuntimeError(f"version {version} is too old; Redis 7 or Valkey is needed")
    return f"version {version}, {waiting} jobs waiting"
