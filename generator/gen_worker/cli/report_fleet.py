"""What status and the update of many repositories print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from gen_worker.cli.text import accent, as_json, bold, table
from gen_worker.fleet.campaign import (
    CONFLICTS,
    FAILED,
    REFUSED,
    SKIPPED,
    UPDATED,
    WOULD_UPDATE,
    Outcome,
)
from gen_worker.fleet.status import GitState, Status

_COLORS = {
    UPDATED: "green",
    WOULD_UPDATE: "green",
    CONFLICTS: "red",
    FAILED: "red",
    REFUSED: "yellow",
    SKIPPED: "yellow",
}
EXIT_ATTENTION, EXIT_CONFLICTS = 1, 3


# --- Status ------------------------------------------------------------------------------------
def status_text(found: Sequence[Status], newest: str | None) -> str:
    """Show repositories as a table.

    Args:
        found: How each stands.
        newest: The generator's own version.

    Returns:
        The table and a summary.
    """
    head = ("REPOSITORY", "PRESET", "MODULES", "VERSION", "BEHIND", "DRIFT", "GIT", "CONFLICTS")
    rows = [
        (
            status.path.name,
            status.preset,
            ",".join(status.modules) or "-",
            status.version or "?",
            _behind(status),
            _drift(status),
            _git(status.git),
            str(len(status.conflicts)) if status.conflicts else "-",
        )
        for status in found
    ]
    colors = [
        "red" if s.conflicts or s.problem else "yellow" if s.outdated else None for s in found
    ]
    problems = [f"{status.path.name}: {status.problem}" for status in found if status.problem]
    return "\n".join(
        [
            *table(rows, head=head, colors=colors),
            *([""] * bool(problems)),
            *problems,
            "",
            _status_summary(found, newest),
        ]
    )


def status_json(found: Sequence[Status], newest: str | None) -> str:
    """Show repositories to a script.

    Args:
        found: How each stands.
        newest: The generator's own version.

    Returns:
        One JSON object.
    """
    return as_json({"newest": newest, "repositories": [_status_data(one) for one in found]})


def status_exit_code(found: Sequence[Status]) -> int:
    """Say by number whether something has to be done.

    Args:
        found: How each stands.

    Returns:
        3 with conflicts, 1 with something outdated or unknown, else 0.
    """
    if any(status.conflicts for status in found):
        return EXIT_CONFLICTS
    return EXIT_ATTENTION if any(status.needs_attention for status in found) else 0


def _status_data(status: Status) -> dict[str, Any]:
    state = vars(status.git) if status.git else None
    return {**vars(status), "path": str(status.path), "git": state}


def _behind(status: Status) -> str:
    if status.version is None or (status.problem and not status.outdated):
        return "?"
    if not status.outdated:
        return "-"
    return str(status.behind) if status.behind else "yes"


def _drift(status: Status) -> str:
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
    words += ["update under way"] if state.pending else []
    return ", ".join(words)


def _status_summary(found: Sequence[Status], newest: str | None) -> str:
    behind = sum(status.outdated for status in found)
    drifted = sum(bool(status.drift) for status in found)
    conflicts = sum(bool(status.conflicts) for status in found)
    return (
        f"{bold(str(len(found)))} repositories, newest version {newest or 'unknown'}: "
        f"{behind} behind, {drifted} edited, {conflicts} with conflicts."
    )


# --- Update ------------------------------------------------------------------------------------
def campaign_text(outcomes: Sequence[Outcome]) -> str:
    """Show what became of many repositories.

    Args:
        outcomes: One for each.

    Returns:
        A table, details of what went wrong, a summary and what to do next.
    """
    head = ("REPOSITORY", "RESULT", "BRANCH", "DETAIL")
    rows = [
        (
            one.path.name + (" (canary)" if one.canary else ""),
            one.result,
            one.branch or "-",
            one.detail.partition("\n")[0],
        )
        for one in outcomes
    ]
    lines = table(rows, head=head, colors=[_COLORS.get(one.result) for one in outcomes])
    for one in outcomes:
        if "\n" in one.detail:
            lines += ["", bold(one.path.name), one.detail]
    counts = Counter(one.result for one in outcomes)
    words = ", ".join(f"{number} {word}" for word, number in counts.most_common())
    lines += ["", f"{bold(str(len(outcomes)))} repositories: {words}."]
    if counts[SKIPPED]:
        lines += ["Stopped: too many could not be updated, or the canary's tests failed."]
    if branch := next((one.branch for one in outcomes if one.branch), None):
        lines += ["", f"Review in each: {accent(f'git diff HEAD...{branch}')}"]
    return "\n".join(lines)


def campaign_json(outcomes: Sequence[Outcome]) -> str:
    """Show what became of many repositories to a script.

    Args:
        outcomes: One for each.

    Returns:
        One JSON object.
    """
    entries = [
        {
            "path": str(one.path),
            "result": one.result,
            "detail": one.detail,
            "branch": one.branch,
            "canary": one.canary,
            "from": one.plan.base.label if one.plan else None,
            "to": one.plan.target.label if one.plan else None,
            "conflicts": one.plan.conflicts if one.plan else [],
            "would_lose": one.plan.losses if one.plan else {},
        }
        for one in outcomes
    ]
    return as_json({"repositories": entries})


def campaign_exit_code(outcomes: Sequence[Outcome]) -> int:
    """Say by number whether something is left to do.

    Args:
        outcomes: One for each.

    Returns:
        0, or 3 when conflicts are all that is left, or 1.
    """
    bad = {one.result for one in outcomes if not one.good}
    if not bad:
        return 0
    return EXIT_CONFLICTS if bad == {CONFLICTS} else EXIT_ATTENTION
