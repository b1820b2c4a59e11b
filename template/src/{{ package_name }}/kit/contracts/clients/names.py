"""Names of classes, fields and jobs in the client's language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Container, Iterable

_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def identifier(text: str) -> str:
    """Return a name that both languages take: letters of any script, digits and `_`."""
    found = unicodedata.normalize("NFKC", re.sub(r"\W", "_", text))
    return found if found.isidentifier() else f"_{found}"


def snake(text: str) -> str:
    """`orderId` as `order_id`."""
    return _EDGE.sub("_", identifier(text)).lower()


def camel(text: str) -> str:
    """`collect_page` as `collectPage`."""
    head, *rest = identifier(text).split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest) if head else text


def pascal(text: str) -> str:
    """`public-data` as `PublicData`."""
    found = "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", text) if part)
    return identifier(found)


def distinct(
    texts: Iterable[str], form: Callable[[str], str], reserved: Container[str]
) -> dict[str, str]:
    """Give each text a name of its own.

    Args:
        texts: What is named.
        form: Makes a name of a text.
        reserved: Names that mean something already; they get a `_` behind.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        name = form(text)
        while name in reserved or name in taken:
            name += "_"
        found[text] = name
        taken.add(name)
    return found
