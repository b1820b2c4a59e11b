"""The variable of S3."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from ...config.fields import BreakerConfig, EnvSettings, Json, JsonModel

ChecksumAlgorithm = Literal["CRC32", "SHA1", "SHA256"]


class S3Config(JsonModel):
    """`S3_CONFIG`.

    Args:
        region: For instance `ap-northeast-2`; `auto` for Cloudflare R2.
        bucket: The bucket's name.
        accessKeyId: Leave out both keys to use AWS's default credential chain.
        secretAccessKey: Belongs to the key id.
        sessionToken: For temporary keys.
        endpoint: URL of another server that speaks S3, for instance RustFS.
        forcePathStyle: `endpoint/bucket/key` instead of `bucket.endpoint/key`.
        prefix: Every key is below it.
        serverSideEncryption: `AES256`, `aws:kms` or `aws:kms:dsse`.
        kmsKeyId: The key for `aws:kms`; without it the account's own for S3.
        checksum: Computed here and compared by S3; null for servers without checksums.
        timeout: Milliseconds to wait for each piece of an answer.
    """

    region: str = Field(min_length=1)
    bucket: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$")
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    endpoint: str | None = Field(None, pattern=r"^https?://\S+$")
    force_path_style: bool = False
    prefix: str = ""
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    kms_key_id: str | None = None
    checksum: ChecksumAlgorithm | None = "CRC32"
    timeout: int = Field(20_000, gt=0)

    @field_validator("prefix")
    @classmethod
    def _plain(cls, value: str) -> str:
        value = value.strip("/")
        if value and (not value.isprintable() or {"", ".", ".."} & set(value.split("/"))):
            raise ValueError("must be a plain path without '..'")
        return value

    @model_validator(mode="after")
    def _both_keys_or_none(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("give both accessKeyId and secretAccessKey, or none of them")
        if self.kms_key_id and self.server_side_encryption not in {"aws:kms", "aws:kms:dsse"}:
            raise ValueError("kmsKeyId needs serverSideEncryption aws:kms")
        return self


class S3Settings(EnvSettings):
    """The variables of S3."""

    s3_config: Json[S3Config]
    s3_breaker: Json[BreakerConfig] = BreakerConfig()
