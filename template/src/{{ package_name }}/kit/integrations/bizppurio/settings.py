"""Variables of Bizppurio."""

from __future__ import annotations

from pydantic import Field, SecretStr

from ...config.fields import BreakerConfig, EnvSettings, Json

_URL = r"^https?://[^\s/?#]+[^\s?#]*$"
_PATH = r"^/\S*$"


class BizppurioSettings(EnvSettings):
    """`BIZPPURIO_CORE_*` reads templates, `BIZPPURIO_MSG_*` sends. Time-outs: milliseconds."""

    bizppurio_breaker: Json[BreakerConfig] = BreakerConfig()

    bizppurio_core_base_url: str | None = Field(None, pattern=_URL)
    bizppurio_core_get_alimtalk_template_uri: str = Field("/alimtalk/template", pattern=_PATH)
    bizppurio_core_get_alimtalk_templates_uri: str = Field("/alimtalk/templates", pattern=_PATH)
    bizppurio_core_timeout: int = Field(5_000, gt=0, le=600_000)
    bizppurio_core_biz_id: str | None = None
    bizppurio_core_api_key: SecretStr | None = None

    bizppurio_msg_base_url: str = Field("https://api.bizppurio.com", pattern=_URL)
    bizppurio_msg_token_uri: str = Field("/v1/token", pattern=_PATH)
    bizppurio_msg_send_uri: str = Field("/v3/message", pattern=_PATH)
    bizppurio_msg_file_uri: str = Field("/v1/file", pattern=_PATH)
    bizppurio_msg_report_uri: str = Field("/v2/report", pattern=_PATH)
    bizppurio_msg_result_request_uri: str = Field("/v1/result/request", pattern=_PATH)
    bizppurio_msg_result_confirm_uri: str = Field("/v1/result/confirm", pattern=_PATH)
    bizppurio_msg_timeout: int = Field(5_000, gt=0, le=600_000)
    bizppurio_msg_id: str = Field(min_length=1)
    bizppurio_msg_password: SecretStr = Field(min_length=1)
    bizppurio_msg_from: str | None = None
    bizppurio_msg_sender_key: str | None = None
    # Calls a second of all replicas together, token and reports included; 0 for no limit.
    bizppurio_msg_rate: float = Field(100.0, ge=0)
    # Hours for which an accepted message is remembered by its refkey; 0 for not at all.
    bizppurio_msg_remember_hours: float = Field(24.0, ge=0)
