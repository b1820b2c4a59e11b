"""The composition of a worker: what `worker.py` hands to the kit."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from .config.dotenv import SettingsError
from .config.fields import EnvSettings
from .engine import provide
from .lazy import Lazy
from .module import Module

if TYPE_CHECKING:
    from redis import Redis

    from .failed import FailedJobs


class Client(Protocol):
    """What the kit asks of a client of the owner's. It is made once and shared by all threads."""

    def check(self) -> str:
        """Reach the other side, and describe it in a sentence. Any exception is a failure."""

    def close(self) -> None:
        """Close its connections."""


class Worker:
    """What a worker is made of. The last one made is the process's own.

    Args:
        name: Its name, unless `WORKER_NAME` gives another one.
        processors: The package that holds the processors, one file each.
        settings: The owner's variables. A processor gets them by a parameter of this type.
        clients: The owner's clients: each is called with the settings when it is first needed,
            handed to processors by a parameter of its type, and closed when the worker stops.
        modules: The integrations.
        queues: The queues that it serves, the most important first, when there are several.
            `WORKER_QUEUES` gives a deployment others.
    """

    def __init__(
        self,
        name: str,
        *,
        processors: ModuleType,
        settings: type[EnvSettings],
        clients: Iterable[Callable[[Any], Client]] = (),
        modules: Iterable[Module] = (),
        queues: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.queues = tuple(queues)
        self.settings = settings
        self._processors = processors
        self._own = Lazy(settings, lambda _: None)
        provide(settings, lambda _context: nullcontext(self._own.get()))
        self.modules = (*modules, *(_ClientModule(each, self._own.get) for each in clients))
        _composed[:] = [self]

    def load_processors(self) -> None:
        """Import every processor.

        Raises:
            SettingsError: A processor asks for something that nothing provides.
        """
        from .engine import processors  # noqa: PLC0415 - a check of the settings knows no jobs

        package = self._processors.__name__
        for found in pkgutil.iter_modules(self._processors.__path__):
            import_module(f"{package}.{found.name}")
        own = [each for each in processors() if each.path.startswith(f"{package}.")]
        faults = [fault for each in own for fault in each.unprovided()]
        if faults:
            raise SettingsError("\n".join(faults))

    def failed_jobs(self, connection: Redis, queues: Sequence[str], who: str) -> FailedJobs | None:
        """Return the list of failed jobs that a module keeps; None where Redis alone does."""
        lists = (each.failed_jobs(connection, queues, who) for each in self.modules)
        return next((found for found in lists if found is not None), None)

    def reset(self) -> None:
        """Close every client, and forget the settings: what is used next is made anew."""
        for module in self.modules:
            module.close()
        self._own.close()

    def models(self) -> Iterator[type[Any]]:
        """List the settings of the owner and of every module."""
        yield self.settings
        yield from (each.settings for each in self.modules if each.settings is not None)


class _ClientModule(Module):
    """Makes a client of the owner's when it is first needed, and lends it to jobs."""

    def __init__(self, kind: Callable[[Any], Client], settings: Callable[[], EnvSettings]) -> None:
        self.name = kind.__module__.rpartition(".")[2]
        self._client = Lazy(lambda: kind(settings()), lambda client: client.close())
        provide(kind, lambda _context: nullcontext(self._client.get()))  # type: ignore[arg-type]

    def check(self) -> str:
        return self._client.get().check()

    def close(self) -> None:
        self._client.close()


_composed: list[Worker] = []


def composed() -> Worker:
    """Return the worker of this process.

    Raises:
        RuntimeError: `worker.py` was not imported.
    """
    if not _composed:
        raise RuntimeError("there is no worker: import the package's `worker` module first")
    return _composed[0]
