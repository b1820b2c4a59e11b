"""Order by key: jobs that share a key run one at a time, in the order in which they were published."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .key import Template, as_text
from .payload import P, load_payload

_FIELD = re.compile(r"\{(.*?)\}")


@dataclass(frozen=True, slots=True)
class Order:
    """What must be processed in the order of publishing.

    Args:
        key: A template of the payload's fields (`"{order_id}"`). Jobs of one queue whose templates
            give the same text share the order, whatever their processor; an empty text has none.
        after_failure: What becomes of the key when a job has failed for good: `continue` lets the
            next job run, `hold` keeps it until the failed job is run again or discarded.
    """

    key: str
    after_failure: Literal["continue", "hold"] = "continue"

    def __post_init__(self) -> None:
        if self.after_failure not in ("continue", "hold"):
            raise ValueError("after_failure must be 'continue' or 'hold'")


class OrderTemplate(Template):
    """Reads the key of a payload as it lies on the wire, as `read_key.lua` does."""

    def of_wire(self, payload: Any, model: type[P], name: str) -> str:
        """Return the key; the payload is loaded only if a field is not there as it should be.

        Raises:
            JobError: The payload does not fit.
        """
        values = payload if isinstance(payload, dict) else {}
        names = set(_FIELD.findall(self.wire))
        if all(isinstance(values.get(each, 0.0), str | int | None) for each in names):
            key = _FIELD.sub(lambda found: as_text(values[found[1]]), self.wire)
        else:
            key = self(load_payload(model, payload, name))
        return key.encode("utf-8", "backslashreplace").decode()


class Ordered(Protocol):
    """What must be known of a processor."""

    name: str
    path: str
    payload_type: type[Any]
    policy: Any
    order: OrderTemplate | None


class Orders:
    """The orders of all processors, for the script that takes jobs.

    Args:
        processors: Those of the worker.
    """

    def __init__(self, processors: Iterable[Ordered]) -> None:
        ordered = [each for each in processors if each.order is not None]
        self._known = {path: each for each in ordered for path in (each.path, each.name)}
        # Per function: the template, and whether a job that failed for good keeps its key.
        self.table = {
            path: (each.order.wire, _holds(each))
            for path, each in self._known.items()
            if each.order is not None
        }

    def read(self, data: bytes) -> tuple[str, bool]:
        """Return the key of a job, empty if it has none, and whether it keeps it after a failure.

        Args:
            data: What the job calls, as it lies in Redis.
        """
        from ..store.job_data import call_of  # noqa: PLC0415 - it needs RQ, which publishing does not

        try:
            path, args, named = call_of(data)
            processor = self._known[path]
            payload = named if named and not args else args[0]
            assert processor.order is not None
            key = processor.order.of_wire(payload, processor.payload_type, processor.name)
        except Exception:  # the job fails when it runs, and says why
            return "", False
        return key, _holds(processor)


def _holds(processor: Ordered) -> bool:
    return bool(processor.policy.order.after_failure == "hold")
