"""The log for processors. An API that only publishes imports them, too, and loads no structlog."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


def get_logger(name: str) -> BoundLogger:
    """Return structlog's logger of that name, which is loaded with the first line."""
    return cast("BoundLogger", _Logger(name))


def load_structlog() -> None:
    """Import structlog without rich, of which it would make tracebacks that no line here has.

    They are the sixth part of what a worker loads. What needs rich itself imports it as ever.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's word for: not installed
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]


class _Logger:
    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _logger(self) -> Any:
        import structlog  # noqa: PLC0415

        return structlog.get_logger(self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)
