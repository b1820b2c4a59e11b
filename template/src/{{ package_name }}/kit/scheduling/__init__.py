"""Scheduled jobs: declared beside their processor, published by exactly one replica."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names
from .schedule import Schedule, schedule, schedules

if TYPE_CHECKING:
    from .ticker import Ticker

__all__ = ["Schedule", "Ticker", "schedule", "schedules"]

# An API that only publishes imports schedules with their processors, and needs no ticker.
__getattr__ = lazy_names(__name__, {"ticker": ("Ticker",)})
