"""What `update`, `add` and `remove` print: for people, and as JSON for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gen_worker.cli.text import INDENT, accent, as_json, bold, dim, safe, table
from gen_worker.update.steps import Finished, Updated

_WORDS = {"A": "add", "M": "change", "D": "delete"}


def updated_text(updated: Updated) -> str:
    """Describe an update for a person."""
    plan = updated.plan
    if plan.nothing_to_do:
        return f"{bold(plan.folder.name)} is up to date: {plan.target.label}."
    lines = [_head(updated), "", *_files(updated)]
    lines += _list("Still deleted, as you left them:", plan.stays_deleted)
    lines += _list(
        "New or changed answers:", [f"{name}: {value}" for name, value in plan.new_answers.items()]
    )
    lines += _list("Migrations:", [f"{step.name}: {step.purpose}" for step in plan.migrations])
    for module, files in updated.uses.items():
        lines += _list(f"These files still use {module}:", files)
    if plan.news:
        lines += ["", bold("What changed"), "", plan.news]
    return safe("\n".join([*lines, *_next(updated)]))


def updated_json(updated: Updated) -> str:
    """Describe an update for a script."""
    return as_json(updated_data(updated))


def updated_data(updated: Updated) -> dict[str, Any]:
    """Describe an update as plain data."""
    plan = updated.plan
    return {
        "path": str(plan.folder),
        "from": plan.base.label,
        "to": plan.target.label,
        "applied": updated.applied,
        "commit": updated.commit,
        "changes": [{"change": _WORDS[letter], "path": path} for letter, path in plan.changes],
        "conflicts": plan.conflicts,
        "would_lose": plan.losses,
        "stays_deleted": plan.stays_deleted,
        "answers": plan.new_answers,
        "migrations": [step.name for step in plan.migrations],
        "uses_of_removed_modules": updated.uses,
        "news": plan.news,
    }


def finished_text(finished: Finished) -> str:
    """Describe `--finish` for a person."""
    if finished.unresolved:
        return "\n".join(
            [
                "Conflicts are left; nothing was committed:",
                *(f"{INDENT}{path}" for path in finished.unresolved),
                "Resolve them (a file without markers: git add it), then --finish again.",
            ]
        )
    if finished.commit is None:
        return f"{bold(finished.folder.name)}: finished; it was committed already."
    return f"{bold(finished.folder.name)}: finished, committed as {finished.commit[:12]}."


def finished_json(finished: Finished) -> str:
    """Describe `--finish` for a script."""
    return as_json(
        {
            "path": str(finished.folder),
            "unresolved": finished.unresolved,
            "commit": finished.commit,
        }
    )


def aborted_json(folder: Path) -> str:
    """Describe `--abort` for a script."""
    return as_json({"path": str(folder), "undone": True})


def aborted_text(folder: Path) -> str:
    """Describe `--abort` for a person."""
    return f"{bold(folder.name)}: the update was undone."


def _head(updated: Updated) -> str:
    plan = updated.plan
    what = plan.message[0].lower() + plan.message[1:]
    if updated.applied:
        return f"{bold(plan.folder.name)}: {what}."
    return f"{bold(plan.folder.name)}: would {what}; nothing was changed."


def _files(updated: Updated) -> list[str]:
    """List the files, the ones that need a person first."""
    plan = updated.plan
    rows = [("conflict", path) for path in plan.conflicts]
    if not updated.applied:
        rows += [(f"lose ({action})", path) for path, action in sorted(plan.losses.items())]
    shown = {path for _, path in rows}
    rows += [(_WORDS[letter], path) for letter, path in plan.changes if path not in shown]
    return table([(dim(word), path) for word, path in rows], indent=INDENT)


def _list(title: str, entries: list[str]) -> list[str]:
    return ["", title, *(f"{INDENT}{entry}" for entry in entries)] if entries else []


def _next(updated: Updated) -> list[str]:
    plan = updated.plan
    if not updated.applied:
        return (
            ["", "It needs --overwrite, which gives up the edits named above."]
            if plan.losses
            else []
        )
    if updated.commit:
        return ["", f"Committed as {updated.commit[:12]}."]
    first = "git diff --cached && make test" if not plan.conflicts else "git diff"
    does = "review and test" if not plan.conflicts else "resolve the conflicts"
    steps = {
        first: does,
        "gen-worker update --finish": "commit it",
        "gen-worker update --abort": "or undo it",
    }
    rows = [(accent(step), why) for step, why in steps.items()]
    return ["", "Next:", *table(rows, indent=INDENT)]
