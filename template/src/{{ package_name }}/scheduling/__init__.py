"""Jobs by the clock: declared beside their processor, published by exactly one replica.

    schedule(
        aggregate_day,
        "0 3 * * *",
        lambda at: AggregatePayload(day=at.date() - timedelta(days=1)),
        timezone="Asia/Seoul",
    )
"""

from .schedule import Schedule, schedule, schedules
from .ticker import Ticker

__all__ = ["Schedule", "Ticker", "schedule", "schedules"]
