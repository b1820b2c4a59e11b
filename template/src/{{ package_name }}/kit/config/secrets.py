"""Every secret that the settings hold, for the scrubber of the logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings

from ..composition import composed
from .settings import Settings


def known_secrets(settings: Settings) -> set[str]:
    """Texts that must not appear in a log line. A URL counts by its password."""
    found: set[str] = set()
    for model in [settings, *_other_settings()]:
        for secret in _secrets(model):
            if "://" in secret:
                password = urlsplit(secret).password
                found |= {password, unquote(password)} if password else set()
            else:
                found.add(secret)
    return found


def _other_settings() -> Iterator[BaseSettings]:
    for model in composed().models():
        try:
            yield model()
        except ValidationError:
            pass  # said at start; what cannot be read is not used either


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item)
