r"""Regular expressions that the worker, JavaScript and Python read alike.

The worker's are those of Rust's `regex` (pydantic's engine), where `\d`, `\w` and `\s` mean all of
Unicode and `$` only the end of the text. A client says the same in its own language; what it
cannot say is refused when the client is made, never when a job is published.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .contract import ClientError

_TOKEN = re.compile(
    r"""
      (?P<escape>\\[dDwWsSbB])
    | (?P<control>\\[nrtfv])
    | (?P<code>\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})
    | (?P<literal>\\[^A-Za-z0-9])
    | (?P<open>\((?:\?(?::|=|!|<=|<!))?(?!\?))
    | (?P<name>\(\?P?<[A-Za-z_]\w*>)
    | (?P<repeat>[*+?]\??|\{\d+(?:,\d*)?\}\??)
    | (?P<sign>[)|^$.])
    | (?P<plain>[^\\()\[\]{}*+?|^$.]|[\]}])
    """,
    re.VERBOSE,
)
_IN_CLASS = re.compile(
    r"(?P<escape>\\[dDws])|(?P<control>\\[nrtfv])|(?P<code>\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})"
    r"|(?P<literal>\\[^A-Za-z0-9])|(?P<plain>[^\\\[\]&~])"
)
_WORD = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}"
_EDGE = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_INSIDE = f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
# What JavaScript's own letters leave out beyond ASCII.
_JAVASCRIPT = {
    "\\d": r"\p{Nd}",
    "\\D": r"\P{Nd}",
    "\\w": f"[{_WORD}]",
    "\\W": f"[^{_WORD}]",
    "\\s": r"\p{White_Space}",
    "\\S": r"\P{White_Space}",
    "\\b": _EDGE,
    "\\B": _INSIDE,
    ".": r"[^\n]",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One regular expression, as each language writes it.

    Args:
        source: As the worker has it, for messages.
        javascript: For `new RegExp(..., "u")`.
        python: For `re.search`.
    """

    source: str
    javascript: str
    python: str


def translate(source: str) -> Pattern:
    """Say a pattern of the worker's in both languages.

    Args:
        source: The schema's `pattern`.

    Raises:
        ClientError: It uses what the languages do not read alike.
    """
    javascript, python = "", ""
    place, repeatable = 0, False
    while place < len(source):
        if source[place] == "[":
            for_javascript, for_python, place = _character_class(source, place)
            repeatable = True
        else:
            found = _TOKEN.match(source, place)
            if found is None or (found.lastgroup == "repeat" and not repeatable):
                raise _unreadable(source, place)  # `a++` has three meanings
            for_javascript, for_python = _token(str(found.lastgroup), found.group())
            place = found.end()
            repeatable = found.lastgroup not in {"repeat", "open", "name"} and found[0] not in "|^$"
        javascript += for_javascript
        python += for_python
    try:
        re.compile(python)
    except re.error:
        raise _unreadable(source, 0) from None
    return Pattern(source, javascript, python)


def _token(kind: str, text: str) -> tuple[str, str]:
    if kind == "literal":
        return _literal(text[1])
    if kind == "plain":
        return _literal(text)
    if kind == "code":
        return _literal(_of_code(text))
    if kind == "name":  # the name serves nobody here
        return "(", "("
    if text == "$":
        return "$", r"\Z"
    return _JAVASCRIPT.get(text, text), text


def _literal(character: str) -> tuple[str, str]:
    if character.isalnum() or character in "_ ":
        return character, character
    if character.isprintable() and not character.isascii():
        return character, character
    if character in "^$\\.*+?()[]{}|/":
        return f"\\{character}", f"\\{character}"
    code = f"\\u{ord(character):04x}"
    return code, code


def _of_code(text: str) -> str:
    return str(json.loads(f'"\\u{text[2:].zfill(4)}"'))


def _character_class(source: str, place: int) -> tuple[str, str, int]:
    start, place = place, place + 1
    head = "["
    if source[place : place + 1] == "^":
        head, place = "[^", place + 1
    javascript = python = head
    while source[place : place + 1] != "]":
        found = _IN_CLASS.match(source, place)
        dash = found is not None and found.group() == "-"
        if found is None or (dash and not _range_or_edge(source, place, start, head)):
            raise _unreadable(source, place)
        for_javascript, for_python = _member(str(found.lastgroup), found.group())
        javascript += for_javascript
        python += for_python
        place = found.end()
    if python == head:  # `[]` means another thing in each language
        raise _unreadable(source, start)
    return f"{javascript}]", f"{python}]", place + 1


def _range_or_edge(source: str, place: int, start: int, head: str) -> bool:
    r"""Whether a `-` is a range's, or stands at an end of the class: `[\w-x]` is unclear."""
    at_edge = place == start + len(head) or source[place + 1 : place + 2] == "]"
    return at_edge or source[place - 2 : place] not in {"\\d", "\\w", "\\s", "\\D"}


def _member(kind: str, text: str) -> tuple[str, str]:
    if kind == "escape":
        return _JAVASCRIPT[text].strip("[]"), text
    if kind == "plain" and text == "-":
        return "-", "-"
    if kind == "control":
        return text, text
    character = _of_code(text) if kind == "code" else text[-1]
    if character == "-":
        return "\\-", "\\-"
    return _literal(character)


def _unreadable(source: str, place: int) -> ClientError:
    return ClientError(
        f"the pattern {source!r} cannot be checked alike in every language (at character "
        f"{place + 1}): use literals, classes, groups, repetitions, \\d \\w \\s \\b ^ $"
    )
