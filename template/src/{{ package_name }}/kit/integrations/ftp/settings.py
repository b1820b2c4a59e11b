"""The variable of FTP."""

from __future__ import annotations

from pydantic import Field, FilePath, SecretStr, field_validator

from ...config.fields import BreakerConfig, EnvSettings, Json, JsonModel


class FtpConfig(JsonModel):
    """`FTP_CONFIG`.

    Args:
        host: The server's name; with `secure` the certificate must be for it.
        port: 21 for FTP and explicit FTPS.
        user: Login name.
        password: Belongs to the user.
        secure: Explicit FTPS: login, names and files are encrypted.
        basePath: The folder that all paths are below.
        timeout: Milliseconds for connecting and for each piece of an answer.
        caFile: Authorities to trust beside the system's.
        encoding: Of names and replies, for instance `cp949`. By default UTF-8, and CP949 from the
            first name or reply of the server that is so.
    """

    host: str = Field(min_length=1)
    port: int = Field(21, ge=1, le=65535)
    user: str = Field("anonymous", min_length=1)
    password: SecretStr = SecretStr("")
    secure: bool = False
    base_path: str = "/"
    timeout: int = Field(20_000, gt=0)
    ca_file: FilePath | None = None
    encoding: str | None = None

    @field_validator("base_path")
    @classmethod
    def _plain(cls, value: str) -> str:
        if ".." in value.split("/") or not value.isprintable():
            raise ValueError("must be a plain path without '..'")
        return value

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            "".encode(value or "utf-8")
        except LookupError:
            raise ValueError("is no encoding that Python knows") from None
        return value


class FtpSettings(EnvSettings):
    """The variables of FTP."""

    ftp_config: Json[FtpConfig]
    ftp_breaker: Json[BreakerConfig] = BreakerConfig()
