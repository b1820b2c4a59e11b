"""Building blocks of settings: JSON in one variable, and errors that name variables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from .dotenv import read_variables

T = TypeVar("T")


class EnvSettings(BaseSettings):
    """Base of every group of variables: from the environment, then from `.env`.

    Variables that no chosen module knows are ignored, and an empty one counts as not set.
    """

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    def __init__(self, _env_file: Path | str | None = ".env", **values: Any) -> None:
        """Read the variables.

        Raises:
            SettingsError: `.env` cannot be read.
            pydantic.ValidationError: A variable is missing or wrong.
        """
        source = _Variables(type(self))
        source.env_vars = read_variables(_env_file)
        super().__init__(_env_file=None, **source() | values)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `__init__` has read, and nothing else."""
        return (init_settings,)


class _Variables(EnvSettingsSource):
    """Reads a list, a mapping or a model as JSON; what is none is refused by its variable's name."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002
        try:
            found = json.loads(value)
        except ValueError:
            return value
        return found if isinstance(found, dict | list) else value


class JsonModel(BaseModel):
    """A JSON object inside a variable, with camelCase keys."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,  # a base class, or what is not used here, is never built
    )


def _parse(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("not valid JSON; it must be one JSON object on one line") from None


Json = Annotated[T, NoDecode, BeforeValidator(_parse)]
"""A variable that holds JSON. Malformed JSON is reported with the other errors."""


class BreakerConfig(JsonModel):
    """When jobs wait for a side that is away: `{"failures":5,"pause":1000,"longestPause":30000}`.

    Args:
        failures: Outages in a row that open the breaker.
        pause: Milliseconds until the first look whether it is back.
        longestPause: Milliseconds between looks at most; each pause is twice the one before.
    """

    failures: int = Field(5, ge=1)
    pause: int = Field(1000, gt=0)
    longest_pause: int = Field(30_000, gt=0)


def describe_errors(errors: Iterable[tuple[type[BaseSettings], ValidationError]]) -> str:
    """One message for all errors of all groups: the variable, and what is wrong with it."""
    lines = []
    for model, error in errors:
        for item in error.errors(include_url=False, include_input=False, include_context=False):
            path = [str(part) for part in item["loc"]] or ["settings"]
            name = variable(model, path[0])
            problem = "is missing" if item["type"] == "missing" else item["msg"]
            problem = problem.removeprefix("Value error, ")
            lines.append(f"  {'.'.join([name, *path[1:]])}: {problem}")
    return "\n".join(["these variables are missing or wrong:", *sorted(set(lines))])


def variable(model: type[BaseSettings], field: str) -> str:
    """Name the variable of a field."""
    prefix = str(model.model_config.get("env_prefix", ""))
    known = model.model_fields.get(field)
    alias = known.validation_alias if known is not None else None
    if alias is None:
        return (prefix + field).upper() if known is not None else field.upper()
    choices = getattr(alias, "choices", [alias])
    return str(choices[0]).upper()
