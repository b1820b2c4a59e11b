"""Texts of the command line for people, in the language of the worker's documents.

The English text is the key. Names of fields, JSON and log lines are the same in every language.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from .answers import LANGUAGE

_KNOWN: Mapping[str, str] = import_module(f"{__package__}.korean").TEXTS if LANGUAGE == "ko" else {}


def say(text: str, /, **values: object) -> str:
    """Return a text in the worker's language, with its values."""
    found = _KNOWN.get(text, text)
    return found.format(**values) if values else found
