"""What a value looks like in a log line: without secrets, of bounded size, fit for JSON.

A log call must never fail a job, so every value has a form here: one that is too long is cut in the
middle, and one that cannot be printed is named by its type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any

from pydantic_core import to_json

LIMIT = 4096  # bytes of one field
_CERTAIN = LIMIT // 4  # characters that are within the limit whatever they are
_SMALL = 2**63  # integers below it are written without a further look
_BITS = 1024  # size of an integer up to which it is written as a number
_DEPTH, _ITEMS = 8, 200  # levels and items of a nested value that are shown
_SHORTEST, _TELLING = 4, 8  # characters of a secret that is replaced at all, and anywhere
_ELLIPSIS = "..."
_NAME, _NAMES = 64, 512  # characters of a text that is cleaned once, and how many such are known


def encode(value: Any) -> str:
    """Return a value as JSON.

    Raises:
        ValueError: It is none.
    """
    return to_json(value, inf_nan_mode="strings").decode()


class Scrubber:
    """Replaces secrets in texts.

    A short password may be an everyday word, so it is replaced only where it stands as one:
    alone, after `:` or `=`, or before `@`.

    Args:
        secrets: What no text may hold; replaced by `***`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({text for text in secrets if len(text) >= _SHORTEST}, key=len, reverse=True)
        self._secrets = [text for text in known if len(text) >= _TELLING]
        short = "|".join(re.escape(text) for text in known if len(text) < _TELLING)
        self._short = re.compile(rf"(?:^|(?<=[:=]))(?:{short})(?=$|[@,;&\s\"'])") if short else None

    def text(self, text: str) -> str:
        """Return a text with `***` for every secret."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return self._short.sub("***", text) if self._short is not None else text

    def scrub(self, value: Any) -> Any:
        """Return a value of JSON with `***` for every secret, however deep."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.scrub(key): self.scrub(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.scrub(item) for item in value]
        return value


class Cleaner:
    """Makes values fit for a log line.

    Args:
        secrets: Texts that no line may hold.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._scrubbed = Scrubber(secrets).text
        # Most texts of a line are names, which come again and again.
        self._name = lru_cache(_NAMES)(self.text)

    def field(self, value: Any) -> Any:
        """Return what stands for a value: a text, a number, a list or a dict."""
        kind = type(value)
        if kind is str:
            return self._name(value) if len(value) <= _NAME else self.text(value)
        if value is None or kind is bool or (kind is int and -_SMALL < value < _SMALL):
            return value
        if not isinstance(value, dict | list | tuple | set | frozenset):
            return self._scalar(value)
        try:
            plain = self._nested(value, _DEPTH, iter(range(_ITEMS)))
        except Exception as error:  # another thread changes it, or its own class misbehaves
            let_pass(error)
            return f"<{kind.__name__}>"
        shown = encode(plain)
        return plain if len(shown) <= _CERTAIN else _bounded(shown, plain)

    def text(self, value: str) -> str:
        """Return a text without secrets, lone surrogates and more than `LIMIT` bytes."""
        return _cut(self._scrubbed(value))

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, int):
            number = int.__int__(value)
            bits = number.bit_length()
            return number if bits <= _BITS else f"<integer of {bits} bits>"
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else _non_finite(value)
        return self.text(str.__str__(value) if isinstance(value, str) else printed(value))

    def _nested(self, value: Any, depth: int, items: Any) -> Any:
        """Return a container as dicts and lists; what goes beyond the limits is left out."""
        if not isinstance(value, dict | list | tuple | set | frozenset):
            return value if value is None or isinstance(value, bool) else self._scalar(value)
        if not depth:
            return _ELLIPSIS
        inner = list(islice(value.items() if isinstance(value, dict) else value, _ITEMS))
        room = (each for each, _ in zip(inner, items, strict=False))
        if isinstance(value, dict):
            found = {self._key(k): self._nested(v, depth - 1, items) for k, v in room}
            return found if len(found) == len(value) else found | {_ELLIPSIS: _ELLIPSIS}
        shown = [self._nested(each, depth - 1, items) for each in room]
        return shown if len(shown) == len(value) else [*shown, _ELLIPSIS]

    def _key(self, key: Any) -> str:
        return self.text(key if type(key) is str else printed(key))


def printed(value: Any) -> str:
    """Return `repr`, or the type's name when that raises."""
    try:
        return str(repr(value))
    except Exception as error:
        let_pass(error)
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def let_pass(error: Exception) -> None:
    """Raise the timeout of a job again: it may strike anywhere, and is not ours to swallow."""
    from rq.timeouts import BaseTimeoutException  # noqa: PLC0415 - nobody gets here

    if isinstance(error, BaseTimeoutException):
        raise error


def _bounded(shown: str, plain: Any) -> Any:
    cut = _cut(shown)
    return plain if cut == shown else cut


def _cut(text: str) -> str:
    """Cut the middle out of a text that is too long, and replace lone surrogates."""
    if len(text) <= _CERTAIN and text.isascii():
        return text
    try:
        data = text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        data = text.encode()
    if len(data) <= LIMIT:
        return text
    kept = (LIMIT - 40) // 2
    head, tail = data[:kept].decode(errors="ignore"), data[-kept:].decode(errors="ignore")
    return f"{head} ... {len(data) - 2 * kept} bytes cut ... {tail}"


def _non_finite(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
