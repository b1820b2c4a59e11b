"""What processors ask for by the types of their parameters, and what provides it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

Provider = Callable[..., AbstractContextManager[Any]]


class Resource(NamedTuple):
    """What a processor asks for by annotating a parameter.

    Args:
        kind: The annotation's type.
        extras: What stands beside it in `Annotated[kind, ...]`; handed to the provider.
    """

    kind: type
    extras: tuple[Any, ...] = ()


providers: dict[type, Provider] = {}


def provide(kind: type, provider: Provider) -> None:
    """Make processors able to ask for a resource by annotating a parameter with its type.

    Args:
        kind: The annotation, for instance a database session's class.
        provider: Called with the attempt's context, and with the extras of
            `Annotated[kind, extras]`. Opens the resource for one attempt; left normally when
            the processor returned, with the exception when it raised.
    """
    providers[kind] = provider


def place(function: Callable[..., Any]) -> str:
    """File and line of a function, for messages."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return getattr(function, "__qualname__", repr(function))
    file = Path(code.co_filename)
    here = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f"{here}:{code.co_firstlineno}"


def read_signature(function: Callable[..., Any]) -> tuple[type[Any], list[Resource]]:
    """Return the payload's class, and what the further parameters ask for.

    Raises:
        TypeError: The parameters are not annotated as a processor's must be.
    """
    from .payload import Payload  # noqa: PLC0415 - who only provides a resource knows no payloads

    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters)
    model = _resource(hints.get(parameters[0])).kind if parameters else None
    if not (isinstance(model, type) and issubclass(model, Payload)):
        raise TypeError(
            f"{place(function)}: {function.__qualname__}: the first parameter must be a Payload model"
        )
    missing = [name for name in parameters if name not in hints]
    if missing:
        raise TypeError(
            f"{place(function)}: {function.__qualname__}: parameter {missing[0]!r} needs a type"
        )
    resources = [_resource(hints[name]) for name in parameters[1:]]
    if len({each.kind for each in resources}) < len(resources):
        # Two of one kind, for instance two transactions, could end differently.
        raise TypeError(
            f"{place(function)}: {function.__qualname__}: a type of resource can be asked for once only"
        )
    return model, resources


def _resource(hint: Any) -> Resource:
    if get_origin(hint) is Annotated:
        kind, *extras = get_args(hint)
        return Resource(kind, tuple(extras))
    return Resource(hint)
