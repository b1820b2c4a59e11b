"""The variables of mail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, FilePath, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ...config.fields import BreakerConfig, EnvSettings, Json

if TYPE_CHECKING:
    from .address import Address

Provider = Literal["smtp", "ses"]
_REPOSITORY = Path(__file__).resolve().parents[5]


def _found(folder: Path) -> Path:
    """A relative folder starts where the worker was started, else at the repository."""
    for found in (folder, _REPOSITORY / folder):
        if found.is_dir():
            return found
    raise ValueError(f"no such folder: {folder}")


class TemplateSettings(EnvSettings):
    """The folder of the templates, which is all that a preview needs."""

    mail_template_dir: Annotated[Path, AfterValidator(_found)] = Field(
        Path("./templates/mail"), validate_default=True
    )


class MailSettings(TemplateSettings):
    """`MAIL_PROVIDER` selects one of the two groups below it. Times are milliseconds."""

    mail_provider: Provider = "smtp"
    mail_breaker: Json[BreakerConfig] = BreakerConfig()

    smtp_host: str | None = Field(None, validate_default=True)
    smtp_secure: bool = False  # TLS from the first byte, as port 465 speaks it
    smtp_port: int = Field(0, ge=0, le=65535)  # 0: 465 with SMTP_SECURE, else 587
    smtp_starttls: Literal["auto", "required", "off"] = "auto"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = Field(None, validate_default=True)
    smtp_from: str | None = Field(None, validate_default=True)
    smtp_timeout: int = Field(20_000, gt=0)
    smtp_ca_file: FilePath | None = None  # authorities to trust beside the system's

    ses_region: str | None = Field(None, validate_default=True)
    ses_access_key_id: str | None = None
    ses_secret_access_key: SecretStr | None = Field(None, validate_default=True)
    ses_from: str | None = Field(None, validate_default=True)
    ses_timeout: int = Field(20_000, gt=0)
    ses_endpoint: str | None = Field(None, pattern=r"^https?://\S+$")

    @field_validator("smtp_host", "smtp_from", "ses_region", "ses_from", mode="after")
    @classmethod
    def _needed(cls, value: str | None, info: ValidationInfo) -> str | None:
        needed_by = str(info.field_name).partition("_")[0]
        if value is None and info.data.get("mail_provider") == needed_by:
            raise _missing()
        return value

    @field_validator("smtp_password", "ses_secret_access_key", mode="after")
    @classmethod
    def _with_its_name(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        name = {"smtp_password": "smtp_user"}.get(str(info.field_name), "ses_access_key_id")
        if (value is None) != (info.data.get(name) is None):
            other = name.upper()
            raise ValueError(f"is needed with {other}, and {other} with it; leave out both or none")
        return value

    @field_validator("smtp_from", "ses_from", mode="after")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        from .address import Address  # noqa: PLC0415 - see `lazy_names`
        from .errors import MailInputError  # noqa: PLC0415

        if value is not None:
            try:
                Address.parse(value)
            except MailInputError as error:
                raise ValueError(str(error)) from None
        return value

    @property
    def port(self) -> int:
        """Return the port of the SMTP server."""
        return self.smtp_port or (465 if self.smtp_secure else 587)

    @property
    def sender(self) -> Address:
        """Return the sender of mails that name no other."""
        from .address import Address  # noqa: PLC0415 - see `lazy_names`

        return Address.parse(
            (self.smtp_from if self.mail_provider == "smtp" else self.ses_from) or ""
        )


def _missing() -> Any:
    return PydanticCustomError("missing", "is missing")
