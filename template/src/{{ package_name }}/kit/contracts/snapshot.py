"""`payloads.json`: the contract as it was last agreed on, kept in the repository."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine import Processor
from .compatibility import breaking_changes

FILE = "payloads.json"
Document = dict[str, dict[str, Any]]


def describe(processors: Iterable[Processor[Any, Any]]) -> Document:
    """Every job: its function, its policy, the version and the JSON Schema of its payload."""
    return {
        each.name: {
            "function": each.path,
            "attempts": each.policy.attempts,
            "timeout": each.policy.timeout,
            "version": each.payload_type.payload_version,
            "payload": each.payload_type.model_json_schema(by_alias=True),
        }
        for each in processors
    }


def dump(document: Document) -> str:
    """The text of the file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def load(path: Path) -> Document:
    """Read a file; there is nothing in one that does not exist.

    Raises:
        ValueError: It is not JSON.
    """
    if not path.exists():
        return {}
    found: Document = json.loads(path.read_text(encoding="utf-8"))
    return found


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
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            verdict.notices.append(f"{name}: removed; `check` tells whether one still waits")
            continue
        if after["function"] != before["function"]:
            verdict.notices.append(f"{name}: its path is now {after['function']}")
        versions = before.get("version", 1), after["version"]
        changes = breaking_changes(before["payload"], after["payload"])
        if versions[1] < versions[0]:
            verdict.breaking.append(f"{name}: the version went back to {versions[1]}")
        elif versions[1] == versions[0]:
            verdict.breaking.extend(f"{name}: {change}" for change in changes)
        else:
            verdict.notices.extend(f"{name}: {change} (version raised)" for change in changes)
    return verdict
