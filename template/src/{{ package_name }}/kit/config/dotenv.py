"""Read `.env` strictly, and the values in the environment that were copied from such a file.

A line that python-dotenv and others would skip, merge with the next or cut off is an error here
that names the line: a worker must not start with another value than the one its owner sees.
This file needs the standard library alone, because `health` reads its variables with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?(?P<name>[^\s=#'\"]+)[ \t]*=(?P<value>.*)", re.DOTALL)
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'(.*)", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"(.*)', re.DOTALL),
}
_COMMENT = re.compile(r"\s#.*", re.DOTALL)
_REFERENCE = r"\$\{(?P<name>[^}:-]*)(?:(?P<dash>:?-)(?P<default>[^}]*))?\}"
_IN_DOUBLE_QUOTES = re.compile(rf"\\(?P<escaped>.)|{_REFERENCE}", re.DOTALL)
_UNQUOTED = re.compile(_REFERENCE)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_TYPOGRAPHIC = "\u2018\u2019\u201c\u201d"


class SettingsError(Exception):
    """The settings cannot be used. The message names every bad variable and shows no value."""


def read_variables(file: Path | str | None = ".env") -> dict[str, str]:
    """Return every variable that has a value: from the environment, else from the file.

    Args:
        file: The file, which may be missing; None to read the environment alone.

    Returns:
        Values by name, with all names in lower case.

    Raises:
        SettingsError: A line of the file, or a quoted value, cannot be read with certainty.
    """
    found = read_dotenv(Path(file)) if file is not None else {}
    environment = {name: _from_environment(name, text) for name, text in os.environ.items() if text}
    values = {name.lower(): value for name, value in found.items() if value}
    return values | {name.lower(): value for name, value in environment.items() if value}


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a `.env` file; none when there is no such file.

    Raises:
        SettingsError: A line cannot be read. The message names file, line, variable and cure.
    """
    if not path.is_file():
        return {}
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    values: dict[str, str] = {}
    for number, line in enumerate(re.split(r"\r\n|\n|\r", _decode(path, content)), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        assignment = _ASSIGNMENT.fullmatch(text)
        if assignment is None:
            raise SettingsError(
                f"{path}, line {number}: not of the form NAME=value; a comment begins with #, and "
                "a value ends on its own line"
            )
        name = assignment["name"]
        try:
            values[name] = _value(assignment["value"], values)
        except ValueError as problem:
            raise SettingsError(f"{path}, line {number}: {name} {problem}") from None
    return values


def _decode(path: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise SettingsError(f"{path}, line 1: the file is UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{path}, line {line}: not UTF-8{_guess(content)}; save the file as UTF-8"
        ) from None


def _guess(content: bytes) -> str:
    try:
        content.decode("cp949")
    except UnicodeDecodeError:
        return ""
    return ", probably CP949 or EUC-KR"


def _value(raw: str, earlier: Mapping[str, str]) -> str:
    """Return the value behind an equals sign.

    Raises:
        ValueError: It cannot be read. The message repeats nothing of it.
    """
    text = raw.strip()
    if text[:1] in _QUOTED:
        return _unquote(text, earlier)
    if text[:1] in _TYPOGRAPHIC and text[:1]:
        raise ValueError("begins with a typographic quote; use ' or \"")
    # The blank before a comment counts: `COLOR=#fff` is a value, `COLOR= # white` is none.
    return _UNQUOTED.sub(_expander(earlier), _COMMENT.sub("", raw).strip())


def _unquote(text: str, earlier: Mapping[str, str]) -> str:
    quote = text[0]
    parts = _QUOTED[quote].fullmatch(text)
    if parts is None:
        raise ValueError(
            f"begins with {quote} and has no closing {quote} on its line; close it, and write a "
            'line break as \\n inside "double quotes"'
        )
    inner, rest = parts.groups()
    if rest.strip() and not rest.lstrip().startswith("#"):
        raise ValueError(
            f"goes on after its closing {quote}; put the whole value between single quotes"
        )
    if quote == "'":
        return re.sub(r"\\([\\'])", r"\1", inner)
    return _IN_DOUBLE_QUOTES.sub(_expander(earlier), inner)


def _expander(earlier: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    """Return what replaces an escape or a `${NAME}`."""

    def expand(found: re.Match[str]) -> str:
        escaped = found.groupdict().get("escaped")
        if escaped is not None:
            return _ESCAPES.get(escaped, escaped if escaped in "\\'\"$" else f"\\{escaped}")
        name, default = found["name"], found["default"]
        value = os.environ.get(name, earlier.get(name))
        if default is not None and (value is None or (not value and found["dash"] == ":-")):
            return default
        if value is None:
            raise ValueError(
                f"refers to ${{{name}}}, which is not set; put the value between single quotes "
                "if it is meant literally"
            )
        return value

    return expand


def _from_environment(name: str, text: str) -> str:
    """Return a variable's value. `docker run --env-file` and others leave the quotes on it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError(f"{name} in the environment is not UTF-8") from None
    if text[0] not in _QUOTED:
        return text
    parts = _QUOTED[text[0]].fullmatch(text.strip())
    if parts is not None and parts[2].strip() and not parts[2].lstrip().startswith("#"):
        return text  # `"Kim, Lee" <kim@example.com>`: the quotes belong to the value
    try:
        return _unquote(text.strip(), {})
    except ValueError as problem:
        raise SettingsError(f"{name} in the environment {problem}") from None
