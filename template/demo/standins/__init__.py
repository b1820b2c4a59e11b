"""Servers that stand in for vendors, so that the demo needs no account: a file per module."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path


@contextmanager
def standins(folder: Path) -> Iterator[dict[str, str]]:
    """Run every stand-in of this package while inside.

    Args:
        folder: Where they may write.

    Yields:
        Variables that lead the worker to them.
    """
    variables: dict[str, str] = {}
    with ExitStack() as stack:
        for found in pkgutil.iter_modules(__path__):
            module = import_module(f"{__name__}.{found.name}")
            variables |= stack.enter_context(module.serve(folder))
        yield variables
