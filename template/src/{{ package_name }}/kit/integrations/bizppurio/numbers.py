"""Phone numbers, brought to the one form that Bizppurio takes."""

from __future__ import annotations

import re
import unicodedata

from ..text import without_invisible
from .errors import InvalidMessageError

_BETWEEN = re.compile(r"[\s.()\[\]\-\u2010-\u2015\u2212]")
# With its zero: mobile, area code, internet and personal numbers. Or 1588-1234 and its kind.
_NATIONAL = re.compile(r"0[1-9]\d{6,10}|1\d{7}|1\d{2,3}")
_ABROAD = re.compile(r"\d{3,16}")


def phone_number(name: str, text: str, country: str | None = None) -> str:
    """Return the digits of a number: `+82 (0)10-1234-5678` is `01012345678`.

    Args:
        name: What it is, for the message.
        text: As a person wrote it; full-width digits are read too.
        country: Country code of a number abroad, which then is left out of the number.

    Raises:
        InvalidMessageError: It is no number that can be called from Korea.
    """
    plain = _BETWEEN.sub("", without_invisible(unicodedata.normalize("NFKC", text)))
    if country is not None:
        digits = plain.removeprefix(f"+{country}").removeprefix("+")
        if digits.isascii() and _ABROAD.fullmatch(digits):
            return digits
        raise InvalidMessageError(f"the {name}'s number must have 3 to 16 digits")
    for prefix in ("+82", "0082", "82"):
        rest = plain.removeprefix(prefix)
        # Without a plus, 82 begins no Korean number that is this long.
        if rest != plain and (prefix != "82" or len(plain) >= 10):
            plain = rest if re.match(r"1[568]\d{6}$", rest) else "0" + rest.lstrip("0")
            break
    if plain.isascii() and _NATIONAL.fullmatch(plain):
        return plain
    raise InvalidMessageError(
        f"the {name}'s number is not one: 010-1234-5678, +82 10-1234-5678, 02-123-4567 and"
        " 1588-1234 are accepted; a number abroad needs country"
    )
