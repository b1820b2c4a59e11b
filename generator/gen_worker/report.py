"""What a run prints: for people, and as JSON for scripts."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from gen_worker.catalog import Catalog, module_question
from gen_worker.create import Made

_INDENT = "  "
_NEXT_COMMAND = "make demo"


def next_commands(made: Made) -> list[str]:
    """Say what to type next.

    Args:
        made: What the run made.

    Returns:
        Two shell commands.
    """
    return [f"cd {shlex.quote(_near(made.target))}", _NEXT_COMMAND]


def made_text(made: Made) -> str:
    """Describe a run for a person.

    Args:
        made: What the run made.

    Returns:
        Several lines, styled; the styles vanish where the output is no terminal.
    """
    count = len(made.paths)
    if made.dry_run:
        head = f"{bold(made.target.name)} would be made: {count} files, nothing written."
        return "\n".join([head, "", *tree(made.target.name, made.paths), "", *_answers(made)])
    commit = "first commit made" if made.commit else "no git repository"
    head = f"{bold(made.target.name)} is ready: {count} files, {commit}."
    steps = [f"{_INDENT}{accent(step)}" for step in next_commands(made)]
    return "\n".join([head, "", *_answers(made), "", "Next:", *steps])


def made_json(made: Made) -> str:
    """Describe a run for a script.

    Args:
        made: What the run made.

    Returns:
        One JSON object.
    """
    return as_json(
        {
            "name": made.answers.values["worker_type"],
            "path": str(made.target),
            "dry_run": made.dry_run,
            "answers": made.answers.remembered,
            "files": made.paths,
            "git_commit": made.commit,
            "template": {
                "source": made.source.url,
                "commit": made.source.commit,
                "updates": made.source.updates,
            },
            "warnings": made.warnings,
            "next": next_commands(made),
        }
    )


def catalog_text(catalog: Catalog) -> str:
    """List presets and modules for a person.

    Args:
        catalog: What can be chosen.

    Returns:
        One line each.
    """
    presets = {
        preset.name: f"{preset.title} (concurrency {preset.concurrency})"
        for preset in catalog.presets.values()
    }
    modules = {module.name: module.title for module in catalog.modules.values()}
    lines = [bold("Presets"), *_table(presets)]
    if modules:
        lines += ["", bold("Modules"), *_table(modules)]
    return "\n".join(lines)


def catalog_json(catalog: Catalog) -> str:
    """List presets and modules for a script.

    Args:
        catalog: What can be chosen.

    Returns:
        One JSON object.
    """
    presets = [vars(preset) | {"modules": [*preset.modules]} for preset in catalog.presets.values()]
    return as_json({"presets": presets, "modules": [*map(vars, catalog.modules.values())]})


def error_json(sentence: str, exit_code: int) -> str:
    """Describe a failure for a script.

    Args:
        sentence: What went wrong.
        exit_code: What the process will exit with.

    Returns:
        One JSON object.
    """
    return as_json({"error": sentence, "exit_code": exit_code})


def tree(root: str, files: Iterable[str]) -> list[str]:
    """Draw files as a tree.

    Args:
        root: The name at the top.
        files: Paths with slashes.

    Returns:
        The lines.
    """
    nested: dict[str, Any] = {}
    for file in files:
        place = nested
        for part in file.split("/"):
            place = place.setdefault(part, {})
    return [bold(f"{root}/"), *_branches(nested, "")]


def _branches(folder: Mapping[str, Any], margin: str) -> list[str]:
    lines = []
    for index, (name, inside) in enumerate(sorted(folder.items())):
        last = index == len(folder) - 1
        lines.append(f"{margin}{'└── ' if last else '├── '}{name}{'/' if inside else ''}")
        lines += _branches(inside, margin + ("    " if last else "│   "))
    return lines


def _answers(made: Made) -> list[str]:
    """Show the answers; the modules' yes and no become one line of names."""
    modules = {module_question(name): name for name in made.catalog.modules}
    remembered = made.answers.remembered
    shown = {
        name: str(value)
        for name, value in remembered.items()
        if name not in modules and name != "worker_type"
    }
    if modules:
        chosen = [name for question, name in modules.items() if remembered.get(question)]
        shown["modules"] = ", ".join(chosen) or "none"
    if made.source.updates:
        shown["template"] = f"{made.source.commit} of {made.source.url}"
    return _table(shown)


def _table(rows: Mapping[str, str]) -> list[str]:
    width = max(map(len, rows), default=0)
    return [f"{_INDENT}{name.ljust(width)}{_INDENT}{dim(text)}" for name, text in rows.items()]


def bold(text: str) -> str:
    """Make a text stand out."""
    return _styled(text, bold=True)


def dim(text: str) -> str:
    """Make a text stand back."""
    return _styled(text, dim=True)


def accent(text: str) -> str:
    """Mark a text as something to type."""
    return _styled(text, fg="cyan")


def _styled(text: str, **style: Any) -> str:
    """Style a text unless NO_COLOR asks for none; outside a terminal the codes are dropped."""
    return text if "NO_COLOR" in os.environ else typer.style(text, **style)


def _near(target: Path) -> str:
    """Shorten a path that lies below the current folder."""
    try:
        return str(target.relative_to(Path.cwd()))
    except ValueError:
        return str(target)


def as_json(data: Mapping[str, Any]) -> str:
    """Write data as JSON for scripts.

    Args:
        data: What it holds.

    Returns:
        Indented JSON.
    """
    return json.dumps(data, ensure_ascii=False, indent=2)
