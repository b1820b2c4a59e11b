"""How far a running job has come: what its processor says, and what publishers read."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

NOTE_LIMIT = 200  # characters of a note that are kept


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come, as its processor said last.

    Args:
        done: How much is done.
        total: Of how much; None where that is not known.
        note: A few words.
        at: When it was said, in seconds since 1970 by the worker's clock.
    """

    done: float
    total: float | None
    note: str
    at: float

    @classmethod
    def now(cls, done: float, total: float | None, note: str) -> Progress:
        """Return what is said at this moment."""
        return cls(done, total, note[:NOTE_LIMIT], round(time.time(), 3))

    def to_json(self) -> str:
        """The form in the field `progress` of the job's hash."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: bytes | str | None) -> Progress | None:
        """Read that field; None where nothing readable is in it."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None
