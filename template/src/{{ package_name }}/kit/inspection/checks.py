"""`check`: every part of the worker is reached once, and looked at.

Each part imports what it needs: `check --only settings` is asked for often, and needs no Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from ..composition import composed
from ..config import Settings
from ..module import Module
from .capacity import examine_capacity
from .findings import Finding, Level, fail, ok, warn


class Check(NamedTuple):
    """Result of one check.

    Args:
        name: The part.
        level: `ok`, `warn` (works, but see to it) or `FAIL` (cannot be used).
        detail: What was found, in a sentence without secrets.
    """

    name: str
    level: Level
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the part can be used."""
        return self.level != "FAIL"


def parts() -> list[str]:
    """Names of everything that can be checked."""
    return [name for name, _ in _examinations(Settings.model_construct())]


def run_checks(settings: Settings, only: Collection[str] = ()) -> Iterator[Check]:
    """Check one part after the other; one failure does not end it.

    Args:
        settings: The checked settings.
        only: Names of the parts to check; all when there is none.
    """
    if set(only) != {"settings"}:  # which is asked for often, and needs none of their libraries
        _load_processors()
    for name, examine in _examinations(settings):
        if not only or name in only:
            for finding in _attempt(examine):
                yield Check(name, finding.level, finding.detail)


Examination = Callable[[], Iterable[Finding]]


def _examinations(settings: Settings) -> Iterator[tuple[str, Examination]]:
    served = ", ".join(settings.queues)
    yield (
        "settings",
        lambda: [ok("{name}, queue {queue}", name=settings.worker_name, queue=served)],
    )
    yield "processors", _examine_processors
    yield "redis", lambda: _examine_redis(settings)
    yield "queue", lambda: _examine_queue(settings)
    yield "capacity", lambda: examine_capacity(settings)
    yield "schedules", lambda: _examine_schedules(settings)
    for module in composed().modules:
        yield module.name, partial(_examine_module, module)


def _attempt(examine: Examination) -> Iterator[Finding]:
    try:
        yield from examine()
    except Exception as error:  # whatever it is, it is the answer
        text = " ".join(f"{type(error).__name__}: {error}".split())
        yield fail(text.removesuffix(":"))


def _load_processors() -> None:
    try:
        composed().load_processors()
    except Exception:
        pass  # told by the check of the processors


def _examine_processors() -> Iterator[Finding]:
    from ..engine import processors

    composed().load_processors()
    names = [each.name for each in processors()]
    if not names:
        yield fail("no processor found in processors/")
        return
    yield ok(", ".join(names))


def _examine_redis(settings: Settings) -> Iterator[Finding]:
    from ..config.redis import worker_connection
    from .server import examine_server

    with worker_connection(settings) as connection:
        yield from examine_server(connection)


def _examine_queue(settings: Settings) -> Iterator[Finding]:
    from ..config.redis import worker_connection
    from .waiting import examine_waiting

    with worker_connection(settings) as connection:
        for queue in settings.queues:
            yield from examine_waiting(connection, queue)
    if settings.worker_queue not in settings.queues:
        yield warn(
            f"WORKER_QUEUE: jobs are published to {settings.worker_queue}, "
            f"which this worker does not serve ({', '.join(settings.queues)})"
        )


def _examine_schedules(settings: Settings) -> Iterator[Finding]:
    from ..scheduling import schedules

    now = datetime.now(UTC)
    for each in schedules():
        following = each.following(now).isoformat(" ", "minutes")
        when = f"{each.cron} {each.timezone.key}"
        yield ok("{name}, {when}: next at {time}", name=each.name, when=when, time=following)
        if each.queue is not None and each.queue not in settings.queues:
            yield warn(
                "{name}: this worker does not serve its queue, {queue}",
                name=each.name,
                queue=each.queue,
            )


def _examine_module(module: Module) -> Iterator[Finding]:
    yield ok(module.check())
    for sentence in module.warnings():
        yield warn(sentence)
