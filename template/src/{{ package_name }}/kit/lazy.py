"""What costs something is imported and made when it is first used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """Makes a client on first use, once for all threads, and closes it with the worker.

    Args:
        make: Builds the client from the settings.
        close: Ends it. After that the next use makes a new one.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], None]) -> None:
        self._make = make
        self._close = close
        self._lock = threading.Lock()
        self._made: list[T] = []  # empty or one: a client may be falsy

    def get(self) -> T:
        """The client of this process."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def close(self) -> None:
        """Close the client if one was made."""
        with self._lock:
            made, self._made = self._made, []
        for client in made:
            self._close(client)


def lazy_names(package: str, files: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """Make a package's `__getattr__`, which imports a name when it is asked for.

    The command line loads every package; `health` must not pay for what only jobs need.

    Args:
        package: Its `__name__`.
        files: For each of its files the names that stand there.
    """
    found_in = {name: file for file, names in files.items() for name in names}

    def load(name: str) -> object:
        if name not in found_in:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{found_in[name]}"), name)

    return load
