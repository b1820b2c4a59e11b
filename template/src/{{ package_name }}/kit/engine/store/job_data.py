"""What a job calls, read from the `data` field of its hash without running anything in it."""

from __future__ import annotations

import json
import pickletools
import re
import zlib
from typing import Any

from pydantic_core import from_json
from rq.exceptions import DeserializationError

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_LONGEST = 255  # characters of a path that is shown


def call_of(data: bytes) -> tuple[str, list[Any], dict[str, Any]]:
    """What shall be called: dotted path, positional and keyword arguments.

    Raises:
        DeserializationError: The job is not JSON. It is never unpickled: whoever can
            write to Redis could then run code here.
    """
    try:
        path, instance, args, kwargs = _parsed(_unpacked(data))
        listed, named = list(args), dict(kwargs)
    except (ValueError, TypeError, RecursionError):
        raise DeserializationError(
            "the job is not JSON; publish it with serializer='json'"
        ) from None
    if instance is not None or not isinstance(path, str):
        raise DeserializationError("the job calls a method; publish a function's dotted path")
    return path, listed, named


def function_of(data: bytes) -> str | None:
    """Dotted path of what a job calls; None when it cannot be read. Never its arguments."""
    try:
        path = call_of(data)[0]
    except DeserializationError:
        path = _pickled_path(_unpacked(data))
    return path if len(path) <= _LONGEST and _PATH.fullmatch(path) else None


def _parsed(data: bytes) -> Any:
    try:
        return from_json(data)
    except ValueError:  # stricter than Python, for instance on lone surrogates
        return json.loads(data)


def _unpacked(data: bytes) -> bytes:
    if data.startswith(b"["):  # RQ's publishers compress, ours do not
        return data
    try:
        return zlib.decompress(data)
    except zlib.error:
        return data


def _pickled_path(data: bytes) -> str:
    """The first text of a pickle, where RQ's publishers have the path; nothing is loaded."""
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if isinstance(argument, str) and "UNICODE" in opcode.name:
                return argument
    except Exception:  # no pickle
        pass
    return ""
