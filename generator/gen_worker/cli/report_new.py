"""What `gen-worker NAME` and `list` print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen_worker.cli.text import INDENT, accent, as_json, bold, pairs, safe, typed
from gen_worker.template.catalog import Catalog, module_question

if TYPE_CHECKING:
    from gen_worker.new.create import Made

_NEXT_COMMAND = "make demo"


def next_commands(made: Made) -> list[str]:
    """Return the shell commands to type next."""
    return [f"cd {typed(_near(made.target))}", _NEXT_COMMAND]


def made_text(made: Made) -> str:
    """Describe a new repository for a person."""
    count = len(made.paths)
    if made.dry_run:
        head = f"{bold(made.target.name)} would be made: {count} files, nothing written."
        lines = [head, "", *tree(made.target.name, made.paths), "", *_answers(made)]
        return safe("\n".join(lines))
    commit = "first commit made" if made.commit else "no git repository"
    head = f"{bold(made.target.name)} is ready: {count} files, {commit}."
    steps = [f"{INDENT}{accent(step)}" for step in next_commands(made)]
    return safe("\n".join([head, "", *_answers(made), "", "Next:", *steps]))


def made_json(made: Made) -> str:
    """Describe a new repository for a script."""
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
    """List presets and modules for a person."""
    presets = {
        preset.name: f"{preset.title} (concurrency {preset.concurrency})"
        for preset in catalog.presets.values()
    }
    modules = {module.name: module.title for module in catalog.modules.values()}
    lines = [bold("Presets"), *pairs(presets)]
    if modules:
        lines += ["", bold("Modules"), *pairs(modules)]
    return "\n".join(lines)


def catalog_json(catalog: Catalog) -> str:
    """List presets and modules for a script."""
    presets = [
        preset._asdict() | {"modules": [*preset.modules]} for preset in catalog.presets.values()
    ]
    return as_json(
        {"presets": presets, "modules": [one._asdict() for one in catalog.modules.values()]}
    )


def tree(root: str, files: Iterable[str]) -> list[str]:
    """Draw files, given by paths with slashes, as a tree."""
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
    """Show the answers; the modules become one line of names."""
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
    return pairs(shown)


def _near(target: Path) -> str:
    """Shorten a path that lies below the current folder."""
    try:
        return str(target.relative_to(Path.cwd()))
    except ValueError:
        return str(target)
