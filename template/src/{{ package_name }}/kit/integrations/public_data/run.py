"""A run through all pages: where it stands, and whether the pages add up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from .errors import PublicDataIncompleteError, PublicDataPagingError

_STATE = ("question", "page", "seen", "total", "full", "first", "last", "over")


@dataclass(slots=True)
class Run:
    """A run through all pages of one question.

    Args:
        path: Of the service, for messages.
        size: Rows of a page, as they are asked for.
        question: Digest of what is asked: another one begins anew.
        page: The last page that was read.
        seen: Rows of all pages up to it.
        total: Rows altogether, where the service said so.
        full: Whether a page had as many rows as were asked for, so that a short one is the last.
        first: Digest of the first page.
        last: Digest of the last one.
        over: Whether all pages have come.
    """

    path: str
    size: int
    question: str
    page: int = 0
    seen: int = 0
    total: int | None = None
    full: bool = False
    first: str = ""
    last: str = ""
    over: bool = False

    def take(self, rows: list[dict[str, Any]], total: int | None) -> bool:
        """Count a page.

        Returns:
            Whether its rows are new.

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
            self.over = True
            return False
        mark = _digest(rows)
        if mark in (self.first, self.last):
            # Some services repeat their last page for every number beyond it.
            if self.total is None and mark == self.last != self.first:
                self.over = True
                return False
            raise PublicDataPagingError(
                f"{self.path}: page {number} holds the rows of an earlier page, after"
                f" {self.seen} rows; if it sends all rows at once, read it with page()"
            )
        self.page, self.seen, self.last = number, self.seen + len(rows), mark
        self.first = self.first or mark
        self.full = self.full or len(rows) >= self.size
        short = self.full and len(rows) < self.size
        self.over = short if self.total is None else self.seen >= self.total
        return True

    def state(self) -> dict[str, Any]:
        """Return what another attempt needs to go on."""
        return {name: getattr(self, name) for name in _STATE}

    def resume(self, state: Mapping[str, Any]) -> bool:
        """Go on where a state says. Return whether it is one of this question."""
        if state.keys() != set(_STATE) or state["question"] != self.question:
            return False
        for name in _STATE:
            setattr(self, name, state[name])
        return True


def _digest(rows: list[dict[str, Any]]) -> str:
    text = json.dumps(rows, sort_keys=True, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
