"""The root of the settings: the variables that every worker has."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode

from ..answers import CONCURRENCY, PACKAGE, QUEUE, SHUTDOWN_TIMEOUT
from ..composition import composed
from .dotenv import SettingsError
from .fields import (
    EnvSettings,
    Json,
    JsonModel,
    describe_errors,
    variable,
)

# Levels of loggers in other languages, by Python's name: a `.env` may come from there.
_LEVELS = {
    "trace": "debug",
    "silly": "debug",
    "verbose": "debug",
    "http": "info",
    "log": "info",
    "warn": "warning",
    "fatal": "critical",
    "silent": "critical",
}


class LoggerConfig(JsonModel):
    """`LOGGER_CONFIG`: level, `pretty` for people instead of JSON, and the service's name."""

    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    pretty: bool = False
    service: str | None = None

    @field_validator("level", mode="before")
    @classmethod
    def _python_name(cls, value: object) -> object:
        return _LEVELS.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _listed(value: object) -> object:
    return [each.strip() for each in value.split(",")] if isinstance(value, str) else value


QueueName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class PublisherSettings(EnvSettings):
    """What a program needs that only publishes jobs."""

    worker_queue: QueueName = QUEUE
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, value: SecretStr) -> SecretStr:
        from .topology import check_url  # noqa: PLC0415 - not everybody needs redis

        check_url(value.get_secret_value())
        return value


class Settings(PublisherSettings):
    """Variables of the worker itself. Those of an integration stand beside it."""

    app_name: str = Field(default_factory=lambda: composed().name)
    worker_name: str = Field(default_factory=lambda: composed().name, max_length=200)
    worker_queues: Annotated[tuple[QueueName, ...], NoDecode, BeforeValidator(_listed)] = ()
    worker_concurrency: int = Field(CONCURRENCY, ge=1, le=10_000)
    worker_processes: int = Field(1, ge=1, le=64)
    worker_shutdown_timeout: float = Field(SHUTDOWN_TIMEOUT, ge=0)  # seconds
    worker_lease: int = Field(16, ge=4)  # seconds
    worker_delivery_limit: int = Field(2, ge=1)
    worker_health_file: str | None = None
    logger_config: Json[LoggerConfig] = LoggerConfig()

    @field_validator("worker_queues")
    @classmethod
    def _named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a queue is named twice")
        return value

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that the worker serves, the most important first."""
        declared = () if "worker_queue" in self.model_fields_set else composed().queues
        return self.worker_queues or declared or (self.worker_queue,)

    @property
    def process_name(self) -> str:
        """The worker's name in the letters that Redis and file systems take."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", self.worker_name)

    @property
    def health_name(self) -> str:
        """What the heartbeat's file is called: `health` knows no more than the environment."""
        return self.process_name if "worker_name" in self.model_fields_set else PACKAGE

    @property
    def service(self) -> str:
        """The name that log lines carry."""
        return self.logger_config.service or self.app_name


def load_settings() -> Settings:
    """Read the settings of the worker, and check those of its owner and of every module.

    Raises:
        SettingsError: Something is missing or wrong. One message names every variable.
    """
    errors: list[tuple[type[BaseSettings], ValidationError]] = []
    settings: Settings | None = None
    for model in _models():
        try:
            loaded = model()
        except ValidationError as error:
            errors.append((model, error))
        else:
            settings = loaded if isinstance(loaded, Settings) else settings
    if errors or settings is None:
        raise SettingsError(describe_errors(errors))
    return settings


def variables() -> list[str]:
    """Name every variable that this worker reads."""
    return [variable(model, field) for model in _models() for field in model.model_fields]


def _models() -> list[type[BaseSettings]]:
    return [Settings, *composed().models()]
