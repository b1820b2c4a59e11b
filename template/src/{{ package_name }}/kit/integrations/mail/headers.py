"""Values of headers, folded.

Written here because `email` makes encoded words of long literal values, which no mail program
reads in `List-Unsubscribe` or `References`, and before Python 3.13 loses blanks between encoded
words of a subject.
"""

from __future__ import annotations

import re
from email.header import Header

from ..text import composed
from .errors import MailInputError

_WIDTH = 76  # characters of a line, where there is a blank to fold at
_LONGEST = 998  # characters of a line, by RFC 5322
# Their values are addresses, ids and URLs: a reader takes them literally.
_STRUCTURED = re.compile(r"list-.*|references|in-reply-to", re.IGNORECASE)


def literal(name: str, value: str) -> str:
    """Fold an ASCII value at its blanks and leave all else as it is.

    Raises:
        MailInputError: A word of it is longer than a line may be.
    """
    first, *words = re.split(r"(?<=\S)(?= )", f"{name}: {value.strip()}")
    lines = [first]
    for word in words:
        if lines[-1] != first and len(lines[-1]) + len(word) > _WIDTH:
            lines.append(word)  # its blank is the fold
        else:
            lines[-1] += word
    if any(len(line) > _LONGEST for line in lines):
        raise MailInputError(f"header {name} has a word of over {_LONGEST} characters")
    return "\r\n".join(lines)[len(name) + 2 :]


def folded(name: str, value: str) -> str:
    """Fold a value that people read; other scripts become encoded words.

    Raises:
        MailInputError: The header is one whose value must be ASCII.
    """
    if value.isascii():
        return literal(name, value)
    if _STRUCTURED.fullmatch(name):
        raise MailInputError(f"header {name} must be ASCII; write a URL percent-encoded")
    return Header(composed(value), "utf-8", _WIDTH, name).encode(linesep="\r\n")
