"""The log for processors. An API that only publishes imports them, too, and loads no structlog."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


def get_logger(name: str) -> BoundLogger:
    """Return structlog's logger of that name, which is loaded with the first line."""
    return cast("BoundLogger", _Logger(name))


class _Logger:
    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _logger(self) -> Any:
        import structlog  # noqa: PLC0415

        return structlog.get_logger(self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)
