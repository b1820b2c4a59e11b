"""Variables of the Korean public data. `GOVERMENT` is the original's spelling; both are read."""

from __future__ import annotations

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from ...config.fields import BreakerConfig, EnvSettings, Json


def _names(name: str) -> AliasChoices:
    return AliasChoices(f"GOVERMENT_KOREA_DATA_{name}", f"GOVERNMENT_KOREA_DATA_{name}")


class PublicDataSettings(EnvSettings):
    """Where the services are and how much may be asked of them. The time-out: milliseconds."""

    model_config = SettingsConfigDict(validate_by_name=True, validate_by_alias=True)

    base_url: str = Field(
        "https://apis.data.go.kr",
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        validation_alias=_names("BASE_URL"),
    )
    timeout: int = Field(10_000, gt=0, le=600_000, validation_alias=_names("TIMEOUT"))
    service_key: SecretStr | None = Field(None, validation_alias=_names("SERVICE_KEY"))
    # Calls a day of all replicas together, for each operation; 0 for no budget.
    daily_limit: int = Field(10_000, ge=0, validation_alias=_names("DAILY_LIMIT"))
    # Calls a second of all replicas together; 0 for no limit.
    rate: float = Field(10.0, ge=0, validation_alias=_names("RATE"))
    breaker: Json[BreakerConfig] = Field(BreakerConfig(), validation_alias=_names("BREAKER"))
