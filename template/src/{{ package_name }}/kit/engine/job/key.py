"""What identifies a job: a function of its payload, or a template that other languages read too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from string import Formatter
from typing import Any

from .payload import P, Payload

Key = Callable[[Any], str] | str

LONGEST_ID = 200  # characters of a job's id
_HASH = 16  # hexadecimal digits
_ODD = re.compile(r"[^A-Za-z0-9_-]")
_SCALARS = {"string", "integer", "boolean", "null"}


class Template:
    """Fills a text with fields of a payload, as they stand on the wire: `approve-{order_id}`.

    A text stands as it is, everything else as JSON writes it: `12`, `true`, `null`.

    Args:
        text: The template. It has braces around names of fields only.
        model: The payload's model.

    Raises:
        TypeError: It names something that is no field of the model, or a field that languages
            write differently: a float, a list, an object.
    """

    def __init__(self, text: str, model: type[Payload]) -> None:
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise TypeError(f"{text!r}: {error}") from None
        names = [name for _, name, _, _ in parts if name is not None]
        if any(spec or conversion for _, _, spec, conversion in parts) or any(
            brace in literal for literal, *_ in parts for brace in "{}"
        ):
            raise TypeError(f"{text!r}: only names of fields may stand in braces")
        for name in names:
            if name not in model.model_fields:
                known = ", ".join(model.model_fields) or "none"
                raise TypeError(
                    f"{text!r} names {name!r}; the fields of {model.__name__} are: {known}"
                )
        self._fields = set(names)
        self._text = text
        wire_names = {name: _wire_name(model, name) for name in names}
        self.wire = text.format_map({name: f"{{{wire}}}" for name, wire in wire_names.items()})
        if names:
            schema = model.model_json_schema(by_alias=True, mode="serialization")
            for name, wire in wire_names.items():
                if not _is_scalar(schema["properties"][wire], schema):
                    raise TypeError(
                        f"{text!r} names {name!r}, which languages write differently; use a text, "
                        "a whole number, a decimal, a boolean, an enumeration, a date or a UUID"
                    )

    def __call__(self, payload: Payload) -> str:
        """Return the text for a payload."""
        values = payload.model_dump(mode="json", include=self._fields)
        return self._text.format_map({name: as_text(value) for name, value in values.items()})


def key_of(source: Callable[[P], str] | str | None, model: type[P]) -> Callable[[P], str] | None:
    """Return what computes a key.

    Raises:
        TypeError: A template does not fit the payload.
    """
    return Template(source, model) if isinstance(source, str) else source


def safe_job_id(text: str) -> str:
    """Make a job id of at most 200 letters, digits, `_` and `-`, as RQ demands.

    Every other character (code point) becomes `-`, the first 183 characters are kept, and `-`
    with 16 hexadecimal digits of the text's SHA-256 (of its UTF-8) keeps different texts different.
    """
    cleaned = _ODD.sub("-", text)
    if text and cleaned == text and len(text) <= LONGEST_ID:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{cleaned[: LONGEST_ID - _HASH - 1]}-{digest}"


def checked_job_id(text: str) -> str:
    """Return an id that somebody has chosen.

    Raises:
        ValueError: It has characters that RQ does not allow.
    """
    if not text or _ODD.search(text):
        raise ValueError("a job id has letters, digits, _ and - only")
    return text


def _wire_name(model: type[Payload], name: str) -> str:
    field = model.model_fields[name]
    return field.serialization_alias or field.alias or name


def as_text(value: object) -> str:
    """Write a scalar as templates do: a text as it stands, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _is_scalar(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return all(kind in _SCALARS for kind in _kinds(schema, root))


def _kinds(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    """The JSON types that a schema allows; `any` when it does not say."""
    if "$ref" in schema:
        yield from _kinds(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in schema or "oneOf" in schema:
        for option in schema.get("anyOf") or schema["oneOf"]:
            yield from _kinds(option, root)
    elif "enum" in schema or "const" in schema:
        for value in schema.get("enum", [schema.get("const")]):
            yield "string" if value is None or isinstance(value, str | int) else "any"
    else:
        kinds = schema.get("type", "any")
        yield from kinds if isinstance(kinds, list) else [kinds]
