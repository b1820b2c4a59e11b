# ruff: noqa: INP001 - part of a script, no package
"""The reference of presets, modules and questions, from copier.yml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gen_worker.template.definition import Template, parse_yaml
from gen_worker.template.questionnaire import settable_questions


def page(template: Template) -> str:
    """Write the page.

    Args:
        template: The loaded template.
    """
    catalog: dict[str, Any] = parse_yaml(template.questions["catalog"]["default"])
    presets = ((f"`{name}`", _preset(each)) for name, each in catalog["presets"].items())
    modules = (
        (f"`{name}`", f"{each['title']}. Dependencies: {_names(each['dependencies'])}.")
        for name, each in catalog["modules"].items()
    )
    parts = [
        "# Presets, modules, questions",
        "What `gen-worker list` shows, and what `--set QUESTION=VALUE` can answer.",
        "## Presets",
        "A preset sets the defaults of all questions, and brings an example.",
        _table("preset", presets),
        "## Modules",
        "What is not chosen is not in the repository: no code, test, variable or dependency.",
        _table("module", modules),
        "## Questions",
        "`gen-worker` asks these on a terminal; `--yes` takes the defaults.",
        _table("question", _questions(template)),
    ]
    return "\n\n".join(parts) + "\n"


def _preset(entry: dict[str, Any]) -> str:
    return (
        f"{entry['title']}. Concurrency {entry['concurrency']} (advice: {entry['advice']})."
        f" Modules: {_names(entry['modules'])}. Example: `{entry.get('full', entry)['job']}`."
    )


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _questions(template: Template) -> Iterator[tuple[str, str]]:
    for name in settable_questions(template):
        question = template.questions[name]
        # What the preset decides is an expression, also inside of a text.
        asks = re.sub(r"\s*\([^()]*{{.*", "", question["help"])
        yield f"`{name}`", f"{asks} *Default: {_default(question.get('default'))}.*"


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str) and "{{" in value:
        return "by the preset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _table(first: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join([f"| {first} | |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows)])
