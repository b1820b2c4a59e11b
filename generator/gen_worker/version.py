"""The version of this generator."""

from __future__ import annotations

from gen_worker.source import installed_package


def version() -> str:
    """Return the installed version, or say that nothing is installed."""
    installed = installed_package()
    return installed.version if installed else "(not installed)"
