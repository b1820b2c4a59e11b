"""Commands and groups that convert plain values themselves: Typer would load pydantic for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

# What the parser gives is right as it is, except that a path comes as its text.
_CONVERTERS: dict[Any, Any] = {
    str: str,
    Path: Path,
    bool: bool,
    list[str]: list,
    list[Path]: lambda values: [Path(value) for value in values],
}


class _Plain:
    """Converts the value of one parameter."""

    def __init__(self, annotation: Any) -> None:
        self._convert = _CONVERTERS[annotation]

    def coerce(self, value: Any, **_others: Any) -> Any:
        """Return the value as the command expects it; None is no value."""
        return None if value is None else self._convert(value)


class _Limited:
    """Leaves a number with limits to Typer, when one is given."""

    def __init__(self, param: Any) -> None:
        self._param = param

    def coerce(self, value: Any, **others: Any) -> Any:
        """Return the value as the command expects it; None is no value."""
        if value is None:
            return None
        self._param._runtime_param = None  # noqa: SLF001 - Typer then makes its own
        return self._param.get_runtime_param().coerce(value, **others)


class _PlainValues:
    """Gives the parameters of a command their converters."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of the class beside
        for param in params:
            annotation = param.type_descriptor.annotation
            plain = annotation in _CONVERTERS
            param._runtime_param = (  # noqa: SLF001 - Typer offers no other way
                _Plain(annotation) if plain else _Limited(param)
            )
        return params


class Command(_PlainValues, TyperCommand):
    """A command."""


class Group(_PlainValues, TyperGroup):
    """A command of commands."""
