"""`payloads.json`: the contract as it was last agreed on, kept in the repository."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..answers import QUEUE, WORKER
from ..engine import Processor
from ..engine.store.keys import PREFIX
from .compatibility import breaking_changes

FILE = "payloads.json"
FORM = 2  # of the file; form 1 held the jobs alone
Document = dict[str, Any]


def describe(processors: Iterable[Processor[Any, Any]], queues: Sequence[str] = ()) -> Document:
    """Everything that a publisher must know, whatever its language.

    `jobId` of a job is a template with the payload's names on the wire, null when ids are random,
    false when only Python can compute them: a publisher then has to give one. `order` is there when
    jobs keep an order by key; nobody but the worker computes it.

    Args:
        processors: What can be published.
        queues: The queues that may be named, when there are several.
    """
    return {
        "contract": FORM,
        "worker": WORKER,
        "queue": QUEUE,
        **({"queues": list(queues)} if queues else {}),
        "keyPrefix": f"{PREFIX}:",
        "jobs": {
            each.name: {
                "function": each.path,
                "version": each.payload_type.payload_version,
                "attempts": each.policy.attempts,
                "timeout": each.policy.timeout,
                "resultTtl": each.policy.result_ttl,
                "jobId": each.portable_job_id,
                **({"order": each.order.wire} if each.order else {}),
                "payload": each.payload_type.model_json_schema(by_alias=True),
            }
            for each in processors
        },
    }


def dump(document: Document) -> str:
    """The text of the file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def load(path: Path) -> Document:
    """Read a file, also of the first form; there is nothing in one that does not exist.

    Raises:
        ValueError: It is no contract, or of a form that is newer than this worker.
    """
    if not path.exists():
        return {"jobs": {}}
    found: Any = json.loads(path.read_text(encoding="utf-8"))
    form = found.get("contract", 1) if isinstance(found, dict) else None
    if form == 1:
        return {"contract": 1, "jobs": found}
    if form != FORM or not isinstance(found.get("jobs"), dict):
        raise ValueError(f"its form is {form!r}, and this worker reads form {FORM} with `jobs`")
    document: Document = found
    return document


@dataclass(frozen=True, slots=True)
class Verdict:
    """What changed between two documents.

    Args:
        breaking: What old payloads would fail by, unless `payload_version` is raised.
        notices: What is allowed but wants care.
    """

    breaking: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def compare(old: Document, new: Document) -> Verdict:
    """Judge a change of the contract.

    Args:
        old: As it was agreed on.
        new: As the code has it.
    """
    verdict = Verdict()
    if old.get("contract") == 1:
        verdict.notices.append(f"the file has an older form; `schema --write {FILE}` renews it")
    for key in ("queue", "keyPrefix"):
        if key in old and old[key] != new[key]:
            verdict.notices.append(f"{key} is now {new[key]}: publishers must follow")
    for queue in set(old.get("queues", ())) - set(new.get("queues", ())):
        verdict.notices.append(f"queue {queue}: removed; `rq info` tells whether jobs wait in it")
    for name, before in old["jobs"].items():
        after = new["jobs"].get(name)
        if after is None:
            verdict.notices.append(f"{name}: removed; `check` tells whether one still waits")
            continue
        verdict.notices.extend(f"{name}: {each}" for each in _publishing(before, after))
        versions = before.get("version", 1), after["version"]
        changes = breaking_changes(before["payload"], after["payload"])
        if versions[1] < versions[0]:
            verdict.breaking.append(f"{name}: the version went back to {versions[1]}")
        elif versions[1] == versions[0]:
            verdict.breaking.extend(f"{name}: {change}" for change in changes)
        else:
            verdict.notices.extend(f"{name}: {change} (version raised)" for change in changes)
    return verdict


def _publishing(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """What changed in how a job is published."""
    if after["function"] != before["function"]:
        yield f"its path is now {after['function']}"
    if "jobId" in before and after["jobId"] != before["jobId"]:
        yield f"its id is now made by {json.dumps(after['jobId'])}: publishers must follow together"
    if "jobId" in before and after.get("order") != before.get("order"):
        yield f"its order is now by {json.dumps(after.get('order'))}; jobs that started keep their key"
