"""Variables of Sentry, by the names that its SDKs use."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, field_validator

from ...config.fields import EnvSettings

_DSN = re.compile(r"https?://[^\s:@/]+(:[^\s@/]*)?@[^\s/]+/(\S+/)?\d+")


class SentrySettings(EnvSettings):
    """Where failures are reported. Without a DSN nothing is."""

    sentry_dsn: SecretStr | None = None
    sentry_environment: str = "production"
    sentry_release: str | None = None
    sentry_sample_rate: float = Field(1.0, ge=0, le=1)  # share of failures that are reported

    @field_validator("sentry_dsn")
    @classmethod
    def _is_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _DSN.fullmatch(value.get_secret_value()):
            raise ValueError("not a DSN: https://KEY@HOST/PROJECT")
        return value
