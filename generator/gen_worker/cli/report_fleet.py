"""What `fleet update` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gen_worker.cli.report_status import passed_over_lines
from gen_worker.cli.text import EXIT_ATTENTION, EXIT_CONFLICTS, accent, as_json, bold, safe, table
from gen_worker.errors import InterruptedRunError
from gen_worker.fleet.campaign import (
    CONFLICTS,
    FAILED,
    REFUSED,
    SKIPPED,
    UPDATED,
    WOULD_UPDATE,
    Done,
    Outcome,
)

_COLORS = {
    UPDATED: "green",
    WOULD_UPDATE: "green",
    CONFLICTS: "red",
    FAILED: "red",
    REFUSED: "yellow",
    SKIPPED: "yellow",
}
_HEAD = ("REPOSITORY", "RESULT", "BRANCH", "DETAIL")


def campaign_text(done: Done, passed_over: Mapping[Path, str]) -> str:
    """Show the result of each repository, details of failures, a summary and the next step."""
    outcomes = done.outcomes
    colors = [_COLORS.get(one.result) for one in outcomes]
    lines = table([_row(one) for one in outcomes], head=_HEAD, colors=colors)
    for one in outcomes:
        if "\n" in one.detail:
            lines += ["", bold(one.path.name), one.detail]
    lines += passed_over_lines(passed_over)
    counts = Counter(one.result for one in outcomes)
    words = ", ".join(f"{number} {word}" for word, number in counts.most_common())
    noun = "repository" if len(outcomes) == 1 else "repositories"
    lines += ["", f"{bold(str(len(outcomes)))} {noun}: {words}."]
    if done.stopped:
        lines += [done.stopped]
    if branch := next((one.branch for one in outcomes if one.branch), None):
        lines += ["", f"Review in each: {accent(f'git diff HEAD...{branch}')}"]
    return safe("\n".join(lines))


def campaign_json(done: Done, passed_over: Mapping[Path, str]) -> str:
    """Describe the result of each repository for a script."""
    return as_json(
        {
            "repositories": [_data(one) for one in done.outcomes],
            "stopped": done.stopped or None,
            "passed_over": {str(path): why for path, why in passed_over.items()},
        }
    )


def campaign_exit_code(done: Done) -> int:
    """Return 0 if only reviews are left, 3 if only conflicts are left, 130 if stopped, else 1."""
    if done.interrupted:
        return InterruptedRunError.exit_code
    bad = {one.result for one in done.outcomes if not one.good}
    if not bad:
        return 0
    return EXIT_CONFLICTS if bad == {CONFLICTS} else EXIT_ATTENTION


def _row(one: Outcome) -> tuple[str, ...]:
    name = one.path.name + (" (canary)" if one.canary else "")
    return name, one.result, one.branch or "-", one.detail.partition("\n")[0]


def _data(one: Outcome) -> dict[str, Any]:
    plan = one.plan
    return {
        "path": str(one.path),
        "result": one.result,
        "detail": one.detail,
        "branch": one.branch,
        "canary": one.canary,
        "from": plan.base.label if plan else None,
        "to": plan.target.label if plan else None,
        "conflicts": plan.conflicts if plan else [],
        "would_lose": plan.losses if plan else {},
    }
