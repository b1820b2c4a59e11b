"""The processors: one file each. A new file is found by itself."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from ..kit.engine import Publisher, publish_to


@cache
def load() -> None:
    """Import every processor of this package."""
    for found in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")


@cache
def _publisher() -> Publisher:
    # Imported late: an API server that publishes needs no settings before its first job.
    from ..kit.config import load_settings  # noqa: PLC0415
    from ..kit.config.redis import publisher  # noqa: PLC0415

    return publisher(load_settings())


publish_to(_publisher)
