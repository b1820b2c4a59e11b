"""Scheduled jobs: declared beside their processor, published by exactly one replica."""

from .schedule import Schedule, schedule, schedules
from .ticker import Ticker

__all__ = ["Schedule", "Ticker", "schedule", "schedules"]
