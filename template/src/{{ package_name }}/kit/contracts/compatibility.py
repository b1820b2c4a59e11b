"""Would payloads that fit the old schema still fit the new one?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

# Limits: a new or tighter one refuses what was fine before. (keyword, tighter means greater)
_LIMITS = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
}
_EXACT = ("format", "pattern", "multipleOf")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Every change that makes an old payload unreadable, or drops a part of it.

    Args:
        old: JSON Schema of the payload as it was.
        new: The same, as it is.
    """
    return list(_Comparison(old.get("$defs", {}), new.get("$defs", {})).changes(old, new, ""))


class _Comparison:
    def __init__(self, old_parts: Schema, new_parts: Schema) -> None:
        self._parts = old_parts, new_parts
        self._seen: set[tuple[str, str]] = set()

    def changes(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """Compare two schemas of one place."""
        pair = str(old.get("$ref")), str(new.get("$ref"))
        if pair in self._seen and "None" not in pair:
            return  # a payload that contains itself
        self._seen.add(pair)
        old_choices, new_choices = self._choices(old, 0), self._choices(new, 1)
        place = path or "the payload"
        lost = set(old_choices) - set(new_choices)
        if "integer" in lost and "number" in new_choices:
            lost.discard("integer")
        if lost and "any" not in new_choices:
            yield f"{place}: {', '.join(sorted(lost))} is no longer accepted"
        for kind in sorted(set(old_choices) & set(new_choices)):
            yield from self._same_kind(old_choices[kind], new_choices[kind], path)

    def _choices(self, schema: Schema, side: int) -> dict[str, Schema]:
        """The kinds of values that a schema accepts, each with its own part of it."""
        if "$ref" in schema:
            return self._choices(self._parts[side][schema["$ref"].rpartition("/")[2]], side)
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            found: dict[str, Schema] = {}
            for option in options:
                found |= self._choices(option, side)
            return found
        kinds = schema.get("type", "any")
        return dict.fromkeys(kinds if isinstance(kinds, list) else [kinds], schema)

    def _same_kind(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        place = path or "the payload"
        for keyword, greater in _LIMITS.items():
            limit, tighter = old.get(keyword), new.get(keyword)
            if tighter is None or limit == tighter:
                continue
            if limit is None or (tighter > limit) is greater:
                yield f"{place}: {keyword} is now {tighter}"
        for keyword in _EXACT:
            if new.get(keyword) not in (None, old.get(keyword)):
                yield f"{place}: {keyword} is now {new[keyword]}"
        before, after = _listed(old), _listed(new)
        if after is not None and (before is None or any(each not in after for each in before)):
            yield f"{place}: only {', '.join(map(str, after))} is accepted now"
        yield from self._objects(old, new, path)
        if "items" in new:
            yield from self.changes(old.get("items", {}), new["items"], f"{path}[]")

    def _objects(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        prefix = f"{path}." if path else ""
        for name in sorted(before.keys() - after.keys()):
            yield f"{prefix}{name}: removed"
        for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
            yield f"{prefix}{name}: required now"
        for name in sorted(before.keys() & after.keys()):
            yield from self.changes(before[name], after[name], f"{prefix}{name}")
        inner_old, inner_new = (each.get("additionalProperties") for each in (old, new))
        if isinstance(inner_old, dict) and isinstance(inner_new, dict):
            yield from self.changes(inner_old, inner_new, f"{prefix}*")


def _listed(schema: Schema) -> list[Any] | None:
    """The only values that are accepted, None when they are not listed."""
    if "const" in schema:
        return [schema["const"]]
    found: list[Any] | None = schema.get("enum")
    return found
