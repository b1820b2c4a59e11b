"""`DATABASE_CONFIG` and how long rows are kept."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from ...config.fields import BreakerConfig, EnvSettings, Json, JsonModel
from . import MAIN

SQLITE_FILE = "worker.sqlite3"  # used when nothing is configured
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "sqlite": "sqlite3"}
_USER = re.compile(r"[^/?#@\[\]]*")  # user:password, the rest of it percent-encoded
_PLACE = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[\w.-]*)(:\d+)?(/[^@?#]*)?(\?([\w.-]+=[^&]*(&[\w.-]+=[^&]*)*)?)?"
)
_SYNONYMS = {"postgres": "postgresql", "pg": "postgresql", "sqlite3": "sqlite"}


class TlsConfig(JsonModel):
    """How the connection is encrypted. Paths name PEM files."""

    mode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


class InstanceConfig(JsonModel):
    """One named database. Times are milliseconds, 0 leaves them to the server."""

    dbms: Literal["postgresql", "mysql", "mariadb", "sqlite"]
    url: SecretStr | None = None  # instead of host, port, user, password and database
    host: str = "127.0.0.1"
    port: int | None = Field(None, ge=1, le=65_535)
    user: str | None = None
    password: SecretStr | None = None
    database: str | None = None
    pool_size: int | None = Field(None, ge=1, le=1_000)  # by default one per job at a time
    pool_timeout: int = Field(30_000, ge=1)
    pool_recycle: int = Field(1_800_000, ge=1_000)
    connect_timeout: int = Field(5_000, ge=1_000)
    lock_timeout: int = Field(30_000, ge=0)
    statement_timeout: int | None = Field(None, ge=0)  # by default the longest job's time limit
    tls: TlsConfig | None = None
    # Handed to the driver as they are.
    parameters: dict[str, str | int | float | bool | None] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _dbms_of_url(cls, values: object) -> object:
        if isinstance(values, dict):
            url = values.get("url")
            scheme = url.partition("://")[0].partition("+")[0] if isinstance(url, str) else None
            name = str(values.get("dbms") or scheme or "").lower()
            if name:
                return values | {"dbms": _SYNONYMS.get(name, name)}
        return values

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url is None and not self.database:
            raise ValueError("database or url is missing")
        if self.url is not None:
            _check_url(self.url.get_secret_value(), has_host=self.dbms != "sqlite")
        if find_spec(_DRIVERS[self.dbms]) is None:
            raise ValueError(f"{self.dbms} needs the package {_DRIVERS[self.dbms]}: not installed")
        return self


def _check_url(url: str, *, has_host: bool) -> None:
    """Refuse a URL that would be read in another way than it was meant. Never quotes it."""
    _, separator, rest = url.partition("://")
    if not separator:
        raise ValueError("url must look like postgresql://user:password@host/database")
    user, _, place = rest.partition("@") if "@" in rest else ("", "", rest)
    if has_host and not (_USER.fullmatch(user) and _PLACE.fullmatch(place)):
        raise ValueError(
            "url cannot be read: a special character of the user or password must be"
            " percent-encoded (@ as %40, / as %2F, : as %3A, # as %23, ? as %3F, % as %25);"
            " or give user, password, host and database instead of url"
        )


class DatabaseConfig(JsonModel):
    """`DATABASE_CONFIG`: the instances by name; `MAIN` is the default."""

    instances: dict[str, InstanceConfig]

    @field_validator("instances")
    @classmethod
    def _has_main(cls, value: dict[str, InstanceConfig]) -> dict[str, InstanceConfig]:
        if MAIN not in value:
            raise ValueError(f"an instance named {MAIN} is missing")
        return value


def _demo() -> DatabaseConfig:
    return DatabaseConfig(instances={MAIN: InstanceConfig(dbms="sqlite", database=SQLITE_FILE)})


class DatabaseSettings(EnvSettings):
    """Variables of the database. Without `DATABASE_CONFIG` a SQLite file serves."""

    database_config: Json[DatabaseConfig] = Field(default_factory=_demo)
    database_auto_upgrade: bool = True  # bring the worker's own tables up to date at start
    database_breaker: Json[BreakerConfig] = BreakerConfig()
    record_retention_days: int = Field(90, ge=0)  # 0 keeps for ever
    failed_retention_days: int = Field(365, ge=0)

    @property
    def is_demo(self) -> bool:
        """Whether nothing is configured, so that a SQLite file in this folder is used."""
        return "database_config" not in self.model_fields_set
