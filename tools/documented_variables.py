# ruff: noqa: INP001 - part of a script, no package
"""The reference of variables, from the pydantic models; comments are those of .env.example."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

INTRODUCTION = """\
Read from the environment, then from `.env` in the folder where the worker was started. JSON values
stand on one line. At start, everything that is missing or wrong is named in one message. Variables
of a module that was not chosen are ignored. Secrets never appear in logs, errors or `check`.
"""

_KINDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}


@dataclass(frozen=True)
class Comment:
    """What .env.example says above a variable."""

    group: str
    text: str


def page(worker: Path) -> str:
    """Write the page.

    Args:
        worker: A rendered worker with every module, importable.

    Raises:
        SystemExit: .env.example leaves out a variable that a model has.
    """
    from worker_payment.kit.config.settings import Settings  # noqa: PLC0415 - rendered a moment ago
    from worker_payment.worker import worker as composition  # noqa: PLC0415

    comments = _comments(worker / ".env.example")
    parts = [
        "# Variables",
        INTRODUCTION,
    ]
    models: list[type[BaseModel]] = [Settings, *composition.models()]
    for model in models:
        names = {_name(model, field): info for field, info in _fields(model)}
        if not names:  # the owner's, in a new repository
            continue
        unknown = sorted(set(names) - set(comments))
        if unknown:
            raise SystemExit(f".env.example leaves out {', '.join(unknown)}")
        parts.append(f"## {comments[next(iter(names))].group}")
        rows = [_row(name, info, comments[name].text) for name, info in names.items()]
        parts.append(_table("variable", rows))
        parts += [part for info in names.values() for part in _json_tables(info.annotation)]
    return "\n\n".join(parts) + "\n"


def _comments(path: Path) -> dict[str, Comment]:
    found: dict[str, Comment] = {}
    group, lines = "", list[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"# --- (.*) ---", line):
            group, lines = heading[1], []
        elif variable := re.match(r"(?:# )?([A-Z][A-Z0-9_]+)=", line):
            found[variable[1]] = Comment(group, " ".join(lines))
            lines = []
        elif line.startswith("# "):
            lines.append(line[2:])
        elif not line:
            lines = []
    return found


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    yield from model.model_fields.items()


def _name(model: type[BaseModel], field: str) -> str:
    alias = model.model_fields[field].validation_alias
    if alias is None:
        return field.upper()
    return str(getattr(alias, "choices", [alias])[0])


def _row(name: str, info: FieldInfo, text: str) -> str:
    value = "; ".join(filter(None, [_kind(info), _default(info)]))
    # Two columns, so that a narrow screen shows all of it.
    said = f"{text} *{value[0].upper()}{value[1:]}.*".strip().replace("|", "\\|")
    return f"| `{name}` | {said} |"


def _table(first: str, rows: list[str]) -> str:
    return "\n".join([f"| {first} | |", "| --- | --- |", *rows])


def _kind(info: FieldInfo) -> str:
    limits = {type(each).__name__: each for each in info.metadata}
    low = getattr(limits.get("Ge"), "ge", getattr(limits.get("Gt"), "gt", None))
    high = getattr(limits.get("Le"), "le", None)
    kind = _type(info.annotation)
    if low is None:
        return kind
    if "Gt" in limits:
        kind = f"{kind}, above {low}"
        return kind if high is None else f"{kind}, at most {high}"
    return f"{kind}, {low} or more" if high is None else f"{kind}, {low} to {high}"


def _type(annotation: Any) -> str:  # noqa: PLR0911 - one line for each kind
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin in (Union, types.UnionType):
        return _type(next(each for each in arguments if each is not types.NoneType))
    if origin is dict:
        return "object by name"
    if annotation is SecretStr:
        return "secret"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "JSON object"
    name = getattr(annotation, "__name__", "text")
    return _KINDS.get(name, "path" if "Path" in name else "text")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**needed**"
    value = info.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value == "":
        return ""
    return f"default `{str(value).lower() if isinstance(value, bool) else value}`"


def _json_tables(annotation: Any) -> Iterator[str]:
    """A table for each JSON object that stands in a variable, outer ones first."""
    model = next(_models(annotation), None)
    if model is None:
        return
    said = _arguments(model)
    rows = []
    for field, info in _fields(model):
        key = info.alias or field
        rows.append(_row(key, info, said.get(key, "")))
    yield f"### {model.__name__}"
    yield inspect.cleandoc(model.__doc__ or "").partition("\n\nArgs:")[0]
    yield _table("key", rows)
    for _, info in _fields(model):
        yield from _json_tables(info.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _arguments(model: type[BaseModel]) -> dict[str, str]:
    """What a docstring says under Args, by name."""
    _, _, listed = inspect.cleandoc(model.__doc__ or "").partition("Args:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", listed, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}
