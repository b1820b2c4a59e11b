"""What `status` and `fleet status` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gen_worker.cli.text import EXIT_ATTENTION, EXIT_CONFLICTS, as_json, bold, pairs, safe, table
from gen_worker.fleet.status import GitState, Status

_HEAD = ("REPOSITORY", "PRESET", "MODULES", "VERSION", "BEHIND", "EDITS", "GIT", "CONFLICTS")


def one_text(status: Status, newest: str | None) -> str:
    """Describe one repository for a person."""
    rows = {
        "preset": status.preset,
        "modules": ", ".join(status.modules) or "none",
        "version": status.version or "unknown",
        "newest": newest or "unknown",
        "git": _git(status.git),
    }
    lines = [f"{bold(status.path.name)}: {_summary(status)}.", "", *pairs(rows)]
    if status.drift:
        edits = [(word, path) for path, word in sorted(status.drift.items())]
        lines += ["", "Your edits in files of the template:", *table(edits, indent="  ")]
    if status.conflicts:
        lines += ["", "Conflicts:", *(f"  {path}" for path in status.conflicts)]
    if status.problem:
        lines += ["", status.problem]
    return safe("\n".join(lines))


def one_json(status: Status, newest: str | None) -> str:
    """Describe one repository for a script."""
    return as_json({"newest": newest, **_data(status)})


def fleet_text(found: Sequence[Status], passed_over: Mapping[Path, str], newest: str | None) -> str:
    """Show repositories as a table, with a summary."""
    rows = [_row(status) for status in found]
    colors = [
        "red" if s.conflicts or s.problem else "yellow" if s.outdated else None for s in found
    ]
    lines = table(rows, head=_HEAD, colors=colors)
    problems = [f"{status.path.name}: {status.problem}" for status in found if status.problem]
    lines += ["", *problems] if problems else []
    lines += passed_over_lines(passed_over)
    return safe("\n".join([*lines, "", _fleet_summary(found, newest)]))


def fleet_json(found: Sequence[Status], passed_over: Mapping[Path, str], newest: str | None) -> str:
    """Describe repositories for a script."""
    return as_json(
        {
            "newest": newest,
            "repositories": [_data(one) for one in found],
            "passed_over": {str(path): why for path, why in passed_over.items()},
        }
    )


def passed_over_lines(passed_over: Mapping[Path, str]) -> list[str]:
    """List folders that were not searched."""
    rows = [f"  {path}: {why}" for path, why in sorted(passed_over.items())]
    return ["", "Not searched:", *rows] if rows else []


def status_exit_code(found: Sequence[Status]) -> int:
    """Return 3 with conflicts, 1 with something outdated or unknown, else 0."""
    if any(status.conflicts for status in found):
        return EXIT_CONFLICTS
    return EXIT_ATTENTION if any(status.needs_attention for status in found) else 0


def _row(status: Status) -> tuple[str, ...]:
    return (
        status.path.name,
        status.preset,
        ",".join(status.modules) or "-",
        status.version or "?",
        _behind(status),
        _edits(status),
        _git(status.git),
        str(len(status.conflicts)) if status.conflicts else "-",
    )


def _data(status: Status) -> dict[str, Any]:
    state = vars(status.git) if status.git else None
    return {**vars(status), "path": str(status.path), "git": state}


def _summary(status: Status) -> str:
    if status.version is None:
        return "its version of the template is unknown"
    if not status.outdated:
        return "up to date" if not status.problem else "something is unknown"
    if not status.behind:
        return "not the newest version"
    return f"{status.behind} version{'s' if status.behind > 1 else ''} behind"


def _behind(status: Status) -> str:
    if status.version is None or (status.problem and not status.outdated):
        return "?"
    if not status.outdated:
        return "-"
    return str(status.behind) if status.behind else "yes"


def _edits(status: Status) -> str:
    if status.drift is None:
        return "?"
    counts = Counter(status.drift.values())
    return ", ".join(f"{counts[word]} {word}" for word in sorted(counts)) or "-"


def _git(state: GitState | None) -> str:
    if state is None:
        return "none"
    words = [state.branch]
    words += [f"{state.changed} uncommitted"] if state.changed else []
    words += [f"{state.ahead} ahead"] if state.ahead else []
    words += [f"{state.behind} behind"] if state.behind else []
    words += ["update unfinished"] if state.pending else []
    return ", ".join(words)


def _fleet_summary(found: Sequence[Status], newest: str | None) -> str:
    behind = sum(status.outdated for status in found)
    edited = sum(bool(status.drift) for status in found)
    conflicts = sum(bool(status.conflicts) for status in found)
    count = f"{bold(str(len(found)))} {'repository' if len(found) == 1 else 'repositories'}"
    return (
        f"{count}, newest version {newest or 'unknown'}: "
        f"{behind} behind, {edited} edited, {conflicts} with conflicts."
    )
