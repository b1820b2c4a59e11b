"""What identifies a job: a function of its payload, or a template that other languages read too."""

from __future__ import annotations

import json
from collections.abc import Callable
from string import Formatter
from typing import Any

from .payload import P, Payload

Key = Callable[[Any], str] | str


class Template:
    """Fills a text with fields of a payload, as they stand on the wire: `approve-{order_id}`.

    Args:
        text: The template.
        model: The payload's model.

    Raises:
        TypeError: It names something that is no field of the model.
    """

    def __init__(self, text: str, model: type[Payload]) -> None:
        self.text = text
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise TypeError(f"{text!r}: {error}") from None
        self._fields = {name for _, name, _, _ in parts if name is not None}
        if any(spec or conversion for _, _, spec, conversion in parts):
            raise TypeError(f"{text!r}: only names of fields may stand in braces")
        unknown = sorted(self._fields - model.model_fields.keys())
        if unknown:
            known = ", ".join(model.model_fields) or "none"
            raise TypeError(
                f"{text!r} names {unknown[0]!r}; the fields of {model.__name__} are: {known}"
            )

    def __call__(self, payload: Payload) -> str:
        """Return the text for a payload."""
        values = payload.model_dump(mode="json", include=self._fields)
        return self.text.format_map({name: _text(value) for name, value in values.items()})


def key_of(source: Callable[[P], str] | str | None, model: type[P]) -> Callable[[P], str] | None:
    """Return what computes a key.

    Raises:
        TypeError: A template names something that is no field of the payload.
    """
    return Template(source, model) if isinstance(source, str) else source


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
