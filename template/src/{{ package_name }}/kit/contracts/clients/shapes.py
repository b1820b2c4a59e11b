"""What payloads look like: JSON Schema reduced to what both clients check and name.

A shape is a dictionary with a `kind`; the clients' run time interprets it, the writers of types
read it. Whatever a schema says that no shape can is refused when the client is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .contract import ClientError, Contract, Job
from .names import pascal
from .patterns import translate

Shape = dict[str, Any]

_TEXTS = {"title", "description", "examples", "deprecated", "readOnly", "writeOnly", "default"}
_CONTENT = {"contentMediaType", "contentSchema", "contentEncoding"}  # a string all the same
_LIMITS = {
    "minimum": "min",
    "maximum": "max",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "multipleOf": "multipleOf",
}
_LENGTHS = {"minLength": "min", "maxLength": "max"}
_ITEMS = {"minItems": "min", "maxItems": "max", "uniqueItems": "unique"}
_ENTRIES = {"minProperties": "min", "maxProperties": "max"}
# Formats whose text has one form on the wire; another one travels as it is.
_FORMATS = {"date", "date-time", "uuid"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    Args:
        wire: Its name on the wire.
        shape: What it takes.
        required: Whether it must be given.
        default: What a missing one means, as a list of one; empty when the worker decides.
        doc: What its author says about it.
    """

    wire: str
    shape: Shape
    required: bool
    default: list[Any]
    doc: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A type with a name: an object with its fields, or a list of values.

    Args:
        shape: What the name stands for; an object's has its fields beside it.
        doc: What its author says about it.
        fields: An object's.
    """

    shape: Shape
    doc: str
    fields: list[Field] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Every type of a contract, by its name, and the payload's name of every job."""

    definitions: dict[str, Definition]
    payloads: dict[str, str]


def shapes_of(contract: Contract) -> Shapes:
    """Return what the payloads of a contract look like.

    Raises:
        ClientError: A schema says what no client can check; the message names job and field.
    """
    definitions: dict[str, Definition] = {}
    known: dict[str, str] = {}
    payloads = {
        job.type: _Reader(job, definitions, known).named(job.schema, "Payload", job.type)
        for job in contract.jobs
    }
    return Shapes(definitions, payloads)


class _Reader:
    """Reads the schema of one job.

    Args:
        job: The job.
        definitions: Every type found so far; grows.
        known: Under each type's name its schema's text: jobs share what is the same.
    """

    def __init__(self, job: Job, definitions: dict[str, Definition], known: dict[str, str]) -> None:
        self._job = job
        self._definitions = definitions
        self._known = known
        self._parts: dict[str, Any] = job.schema.get("$defs", {})
        self._names: dict[str, str] = {}

    def named(self, schema: dict[str, Any], title: str, where: str) -> str:
        """Define a schema under a name of its own, and return the name."""
        text = json.dumps([schema, sorted(self._closure(schema).items())], sort_keys=True)
        name = pascal(schema.get("title", title))
        if self._known.get(name, text) != text:
            name = pascal(self._job.type) + name
        if name not in self._known:
            self._known[name] = text
            self._define(name, schema, where)
        return name

    def _define(self, name: str, schema: dict[str, Any], where: str) -> None:
        doc = schema.get("description", "")
        if "properties" not in schema and schema.get("type") != "object":
            self._definitions[name] = Definition(self._shape(schema, where), doc)
            return
        self._definitions[name] = made = Definition({"kind": "object"}, doc)
        if (extra := self._extra(schema, where)) is not None:
            made.shape["extra"] = extra
        required = set(schema.get("required", ()))
        for wire, each in schema.get("properties", {}).items():
            shape = self._shape(each, f"{where}: {wire}")
            default = [each["default"]] if "default" in each else []
            doc = each.get("description", "")
            made.fields.append(Field(wire, shape, wire in required, default, doc))

    def _extra(self, schema: dict[str, Any], where: str) -> Shape | str | None:
        """What becomes of fields that the contract does not name: None, they are left out."""
        extra = schema.get("additionalProperties")
        if extra is False:
            return "forbid"
        if extra is None:
            return None
        return {"kind": "any"} if extra is True else self._shape(extra, where)

    def _shape(self, schema: dict[str, Any], where: str) -> Shape:
        if "$ref" in schema:
            return {"kind": "ref", "name": self._reference(schema["$ref"], where)}
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self._shape(schema["allOf"][0], where)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._union(schema, schema[word], where)
        if "const" in schema or "enum" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            if any(isinstance(each, dict | list | float) for each in values):
                raise ClientError(f"{where}: only texts and whole numbers can be listed as values")
            return {"kind": "values", "values": values}
        kind = schema.get("type", "any")
        if isinstance(kind, list):
            choices = [self._shape(schema | {"type": each}, where) for each in kind]
            return {"kind": "union", "of": choices}
        read = {
            "string": self._string,
            "integer": self._number,
            "number": self._number,
            "boolean": self._plain,
            "null": self._plain,
            "any": self._plain,
            "array": self._array,
            "object": self._object,
        }.get(kind)
        if read is None:
            raise ClientError(f"{where}: a schema of type {kind!r} has no counterpart in a client")
        return read(schema, where)

    def _reference(self, reference: str, where: str) -> str:
        key = reference.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        if key not in self._parts:
            raise ClientError(f"{where}: {reference} leads nowhere")
        if key not in self._names:
            part = self._parts[key]
            self._names[key] = self.named({"title": key} | part, key, where)
        return self._names[key]

    def _union(self, schema: dict[str, Any], options: list[Any], where: str) -> Shape:
        choices = [self._shape(each, where) for each in options]
        # A whole number stays one: what takes fractions is asked last among numbers.
        choices.sort(key=lambda each: each["kind"] == "number")
        made: Shape = {"kind": "union", "of": choices}
        by = schema.get("discriminator", {})
        if "mapping" in by:
            made["by"] = by["propertyName"]
            made["cases"] = {
                value: self._reference(target, where) for value, target in by["mapping"].items()
            }
        return made

    def _string(self, schema: dict[str, Any], where: str) -> Shape:
        self._only(schema, {*_LENGTHS, *_CONTENT, "format", "pattern"}, where)
        made: Shape = {"kind": "string"} | _limits(schema, _LENGTHS)
        if "pattern" in schema:
            try:
                made |= {"pattern": translate(schema["pattern"]), "source": schema["pattern"]}
            except ClientError as error:
                raise ClientError(f"{where}: {error}") from None
        if schema.get("format") in _FORMATS:
            made["format"] = schema["format"]
        return made

    def _number(self, schema: dict[str, Any], where: str) -> Shape:
        self._only(schema, set(_LIMITS), where)
        return {"kind": schema["type"]} | _limits(schema, _LIMITS)

    def _plain(self, schema: dict[str, Any], where: str) -> Shape:
        self._only(schema, _CONTENT, where)
        return {"kind": schema.get("type", "any")}

    def _array(self, schema: dict[str, Any], where: str) -> Shape:
        self._only(schema, {*_ITEMS, "items", "prefixItems"}, where)
        if "prefixItems" in schema:
            parts = [self._shape(each, where) for each in schema["prefixItems"]]
            if schema.get("maxItems") != len(parts) or schema.get("minItems") != len(parts):
                raise ClientError(f"{where}: a tuple of changing length cannot be checked")
            return {"kind": "tuple", "items": parts}
        items = self._shape(schema.get("items", {}), f"{where}[]")
        return {"kind": "array", "items": items} | _limits(schema, _ITEMS)

    def _object(self, schema: dict[str, Any], where: str) -> Shape:
        if "properties" in schema:
            title = f"{pascal(self._job.type)}{pascal(where.rpartition(': ')[2])}"
            return {"kind": "ref", "name": self.named({"title": title} | schema, title, where)}
        self._only(schema, {*_ENTRIES, "additionalProperties", "propertyNames"}, where)
        values = schema.get("additionalProperties", True)
        made: Shape = {"kind": "map"} | _limits(schema, _ENTRIES)
        made["values"] = {"kind": "any"} if values is True else self._shape(values, f"{where}.*")
        if "propertyNames" in schema:
            made["keys"] = self._shape({"type": "string"} | schema["propertyNames"], f"{where}.*")
        return made

    def _only(self, schema: dict[str, Any], known: set[str], where: str) -> None:
        unknown = sorted(schema.keys() - known - _TEXTS - {"type"})
        if unknown:
            raise ClientError(f"{where}: `{unknown[0]}` in the schema cannot be checked")

    def _closure(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Every definition that a schema leads to."""
        found: dict[str, Any] = {}
        waiting = [schema]
        while waiting:
            for reference in _references(waiting.pop()):
                key = reference.rpartition("/")[2]
                if key not in found and key in self._parts:
                    found[key] = self._parts[key]
                    waiting.append(self._parts[key])
        return found


def _limits(schema: dict[str, Any], names: dict[str, str]) -> Shape:
    return {ours: schema[theirs] for theirs, ours in names.items() if theirs in schema}


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, each in schema.items():
            if key == "$ref":
                yield each
            elif key != "$defs":
                yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)
