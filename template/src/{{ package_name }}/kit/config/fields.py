"""Building blocks of settings: JSON in one variable, and errors that name variables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from .dotenv import read_variables

T = TypeVar("T")


class EnvSettings(BaseModel):
    """Base of every group of variables: from the environment, then from `.env`.

    A variable has its field's name in capitals, or the names of the field's `validation_alias`. A
    list, a mapping or a model is written as JSON. Variables that no field asks for are ignored, and
    an empty one counts as not set.
    """

    model_config = ConfigDict(
        validate_by_name=True,
        validate_by_alias=True,
        validate_default=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    def __init__(self, _env_file: Path | str | None = ".env", **values: Any) -> None:
        """Read the variables.

        Raises:
            SettingsError: `.env` cannot be read.
            pydantic.ValidationError: A variable is missing or wrong.
        """
        super().__init__(**_found(type(self), read_variables(_env_file)) | values)

    @classmethod
    def read(cls) -> Self:
        """Read the variables; for classes of which type checkers think that they need arguments."""
        return cls()


def _found(model: type[EnvSettings], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return what the variables say, by the fields of a model."""
    found: dict[str, Any] = {}
    for field, info in model.model_fields.items():
        text = next((variables[name] for name in _names(field, info) if name in variables), None)
        if text is not None:
            found[field] = _loaded(text) if _holds_several(info.annotation) else text
    return found


def _names(field: str, info: FieldInfo) -> list[str]:
    """Return the names of a field's variable, in lower case."""
    alias = info.validation_alias
    names = alias.choices if isinstance(alias, AliasChoices) else [alias or field]
    return [str(name).lower() for name in names]


def _holds_several(annotation: Any) -> bool:
    """Whether values of a type are written as a JSON object or list."""
    kind = get_origin(annotation) or annotation
    if kind in (Union, UnionType, Annotated):
        return any(map(_holds_several, get_args(annotation)))
    several = isinstance(kind, type) and issubclass(kind, Collection | BaseModel)
    return several and not issubclass(kind, str | bytes)


def _loaded(text: str) -> object:
    """Return the JSON object or list of a variable; its text where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return text  # a field may have a form of its own; pydantic refuses all others by name
    return value if isinstance(value, dict | list) else text


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


Json = Annotated[T, BeforeValidator(_parse)]
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


def describe_errors(errors: Iterable[tuple[type[EnvSettings], ValidationError]]) -> str:
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


def variable(model: type[EnvSettings], field: str) -> str:
    """Name the variable of a field."""
    known = model.model_fields.get(field)
    return field.upper() if known is None else _names(field, known)[0].upper()
