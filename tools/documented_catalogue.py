"""The reference of presets, modules and questions, from copier.yml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gen_worker.answers import settable_questions
from gen_worker.template import Template, parse_yaml


def page(template: Template) -> str:
    """Write the page.

    Args:
        template: The loaded template.
    """
    catalog: dict[str, Any] = parse_yaml(template.questions["catalog"]["default"])
    return "\n\n".join(
        [
            "# Presets, modules, questions",
            "What `gen-worker list` shows, and what `--set QUESTION=VALUE` can answer.",
            "## Presets",
            "A preset sets the defaults of all questions, and brings an example.",
            _table(
                ("preset", "for", "concurrency", "modules", "example job"),
                (
                    (
                        f"`{name}`",
                        each["title"],
                        f"{each['concurrency']} (advice: {each['advice']})",
                        ", ".join(f"`{module}`" for module in each["modules"]) or "none",
                        f"`{each.get('full', each)['job']}`",
                    )
                    for name, each in catalog["presets"].items()
                ),
            ),
            "## Modules",
            "What is not chosen is not in the repository: no code, test, variable or dependency.",
            _table(
                ("module", "what it is", "dependencies"),
                (
                    (
                        f"`{name}`",
                        each["title"],
                        ", ".join(f"`{one}`" for one in each["dependencies"]) or "none",
                    )
                    for name, each in catalog["modules"].items()
                ),
            ),
            "## Questions",
            "`gen-worker` asks these on a terminal; `--yes` takes the defaults.",
            _table(("question", "asks", "default"), _questions(template)),
        ]
    ) + "\n"


def _questions(template: Template) -> Iterator[tuple[str, str, str]]:
    for name in settable_questions(template):
        question = template.questions[name]
        # What the preset decides is an expression, also inside of a text.
        asks = re.sub(r"\s*\([^()]*{{.*", "", question["help"])
        yield f"`{name}`", asks, _default(question.get("default"))


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str) and "{{" in value:
        return "by the preset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
