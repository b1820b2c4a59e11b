"""How far a run through all pages has come, and whether the pages add up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from .errors import PublicDataIncompleteError, PublicDataPagingError


@dataclass(slots=True)
class Progress:
    """A run through all pages of one question.

    Args:
        path: Of the service, for messages.
        size: Rows of a page, as they are asked for.
        page: The last page that was read.
        seen: Rows of all pages up to it.
        total: Rows altogether, where the service said so.
        full: Whether a page had as many rows as were asked for, so that a short one is the last.
        first: Digest of the first page.
        last: Digest of the last one.
    """

    path: str
    size: int
    page: int = 0
    seen: int = 0
    total: int | None = None
    full: bool = False
    first: str = ""
    last: str = ""

    def take(self, rows: list[dict[str, Any]], total: int | None) -> tuple[bool, bool]:
        """Count a page.

        Returns:
            Whether its rows are new, and whether another page has to be asked for.

        Raises:
            PublicDataPagingError: It holds the rows of an earlier page.
            PublicDataIncompleteError: It is empty before all rows have come.
        """
        number = self.page + 1
        if total is not None and (rows or self.total is None):
            self.total = total
        if not rows:
            if self.total is not None and self.seen < self.total:
                raise PublicDataIncompleteError(
                    f"{self.path}: {self.seen} of {self.total} rows came, page {number} is empty"
                )
            return False, False
        mark = _digest(rows)
        if mark in (self.first, self.last):
            # Some services repeat their last page for every number beyond it.
            if self.total is None and mark == self.last != self.first:
                return False, False
            raise PublicDataPagingError(
                f"{self.path}: page {number} holds the rows of an earlier page, after"
                f" {self.seen} rows; if it sends all rows at once, read it with page()"
            )
        self.page, self.seen, self.last = number, self.seen + len(rows), mark
        self.first = self.first or mark
        self.full = self.full or len(rows) >= self.size
        if self.total is not None:
            return True, self.seen < self.total
        return True, not (self.full and len(rows) < self.size)

    def note(self) -> dict[str, str]:
        """Return what another replica needs to continue."""
        return {
            "page": str(self.page),
            "seen": str(self.seen),
            "total": "" if self.total is None else str(self.total),
            "full": "1" if self.full else "",
            "first": self.first,
            "last": self.last,
        }

    def resume(self, note: Mapping[str, str]) -> None:
        """Continue where a note says."""
        self.page, self.seen = int(note["page"]), int(note["seen"])
        self.total = int(note["total"]) if note.get("total") else None
        self.full = bool(note.get("full"))
        self.first, self.last = note.get("first", ""), note.get("last", "")


def _digest(rows: list[dict[str, Any]]) -> str:
    text = json.dumps(rows, sort_keys=True, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
