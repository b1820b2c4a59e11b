"""Mail addresses with names, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header

from ..text import composed, mask_address, without_invisible
from .errors import MailInputError

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_LOCAL = re.compile(r"[^\s@<>(),;:\\\"\[\]]+")
_FOLD = "\r\n "
_SHORT = 60  # letters; a longer name does not fit into one line
_NAMED = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^"<>@,;]*?))\s*<([^<>]*)>\s*')
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


def check_line(text: str, what: str) -> str:
    """Refuse text that could begin a new header.

    Raises:
        MailInputError: It holds a line break or another control character.
    """
    if _CONTROL.search(text):
        raise MailInputError(f"{what} holds a line break or a control character")
    return text


@dataclass(frozen=True, slots=True)
class Address:
    """A person's or a service's mail address.

    Args:
        email: `kim@example.com`; letters of any script are allowed on both sides.
        name: Shown instead of the address, in any script.

    Raises:
        MailInputError: It is not an address, or a part holds a control character.
    """

    email: str
    name: str = ""

    def __post_init__(self) -> None:
        check_line(self.name, "the name of an address")
        check_line(self.email, "an address")
        local, _, domain = without_invisible(composed(self.email)).strip().rpartition("@")
        ascii_domain = _ascii(domain)
        labels = ascii_domain.split(".")
        if (
            not _LOCAL.fullmatch(local)
            or len(local.encode()) > 64
            or len(ascii_domain) > 253
            or not all(_LABEL.fullmatch(label) for label in labels)
        ):
            raise MailInputError(f"not a mail address: {mask_address(self.email)}")
        object.__setattr__(self, "email", f"{local}@{ascii_domain}")
        object.__setattr__(self, "name", without_invisible(composed(self.name)))

    @classmethod
    def parse(cls, text: Address | str) -> Address:
        """Read `kim@example.com` or `Kim <kim@example.com>`.

        Raises:
            MailInputError: It is not one address. Several in one text are refused, because a
                reader that stops at the first comma would drop the rest.
        """
        if isinstance(text, Address):
            return text
        check_line(text, "an address")
        if text.rstrip().endswith(">"):
            named = _NAMED.fullmatch(text)
            if named is None:
                raise MailInputError(
                    "not one mail address: give each recipient an item of its own, and put a name"
                    " with a comma or an @ in quotes"
                )
            quoted, plain, email = named.groups()
            return cls(email, plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        return cls(text)

    @property
    def domain(self) -> str:
        """Return what follows the `@`, as DNS knows it."""
        return self.email.rpartition("@")[2]

    def header(self) -> str:
        """Return the folded form for a header.

        `email.message` breaks names with a comma or an angle bracket when it encodes them:
        `대리 <a@b.c>` as a name would become an address of its own.
        """
        if not self.name:
            return self.email
        if self.name.isascii() and len(self.name) <= _SHORT:
            quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{quoted}" <{self.email}>'
        encoded = Header(self.name, "utf-8", maxlinelen=_SHORT).encode(linesep=_FOLD.rstrip(" "))
        return f"{encoded}{_FOLD}<{self.email}>"


def header_of(addresses: Sequence[Address]) -> str:
    """Return the value of a header with these addresses."""
    return f",{_FOLD}".join(address.header() for address in addresses)


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    import idna  # noqa: PLC0415 - its tables are large, and most domains are ASCII

    try:
        # IDNA 2008. Python's own codec speaks IDNA 2003, for which faß.de is fass.de, another
        # domain. UTS 46 lowers letters and knows the full-width dot.
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
