"""Where the outbox is, and how often it is looked at."""

from __future__ import annotations

from pydantic import Field

from ...config.fields import EnvSettings


class OutboxSettings(EnvSettings):
    """Variables of the outbox."""

    outbox_instance: str = Field("MAIN", min_length=1)  # of DATABASE_CONFIG
    outbox_poll_interval: int = Field(200, ge=10)  # milliseconds, where nothing tells of new rows
