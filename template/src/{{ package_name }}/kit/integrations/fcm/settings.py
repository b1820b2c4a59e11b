"""Variables of Firebase Cloud Messaging."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ...config.fields import BreakerConfig, EnvSettings, Json


class FcmSettings(EnvSettings):
    """Where `fcm_auth.json` lies, and how messages are sent. The time-out: milliseconds."""

    fcm_auth_json_dir: Path = Path("./secrets")
    fcm_timeout: int = Field(10_000, gt=0, le=600_000)
    fcm_breaker: Json[BreakerConfig] = BreakerConfig()
    # True: Firebase checks every message and delivers none.
    fcm_dry_run: bool = False
    # Another server only for tests and the demo.
    fcm_base_url: str = Field("https://fcm.googleapis.com", pattern=r"^https?://[^\s/?#]+/?$")
