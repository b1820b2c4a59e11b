"""From the command line to complete answers: flags say some, prompts or defaults say the rest."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gen_worker.errors import InvalidAnswerError, UnknownChoiceError, near_match
from gen_worker.new.names import check_name
from gen_worker.template.catalog import Catalog, module_question
from gen_worker.template.definition import Template
from gen_worker.template.questionnaire import (
    NAME_QUESTION,
    PRESET_QUESTION,
    Answers,
    Asker,
    Questionnaire,
    setting,
)

CONCURRENCY_QUESTION = "concurrency"


class Choices(NamedTuple):
    """What the flags said about the new worker.

    Attributes:
        name: The worker's name.
        preset: None when not said.
        with_modules: Modules to have; an entry may hold several with commas between.
        without_modules: Modules not to have, though the preset brings them.
        concurrency: Jobs at once, as typed; None when not said.
        settings: `QUESTION=VALUE` texts.
    """

    name: str
    preset: str | None = None
    with_modules: Sequence[str] = ()
    without_modules: Sequence[str] = ()
    concurrency: str | None = None
    settings: Sequence[str] = ()


def answer(
    choices: Choices,
    template: Template,
    catalog: Catalog,
    questionnaire: Questionnaire,
    asker: Asker | None = None,
) -> Answers:
    """Answer every question of the template.

    Args:
        choices: What the flags said.
        template: Whose questions are answered.
        catalog: The presets, modules and reserved names.
        questionnaire: Knows defaults and validators.
        asker: Asks a person for what no flag said; without one, defaults answer.

    Raises:
        UserMistakeError: A name, preset, module, question or value is refused.
    """
    given = given_answers(choices, template, catalog)
    labels = {
        module_question(module.name): f"{module.name}: {module.title}"
        for module in catalog.modules.values()
    }
    return questionnaire.answer(given, asker, together=labels)


def given_answers(choices: Choices, template: Template, catalog: Catalog) -> dict[str, Any]:
    """Map flags to raw answers.

    Args:
        choices: What the flags said.
        template: Whose questions they answer.
        catalog: The presets, modules and reserved names.

    Raises:
        UserMistakeError: A flag names something unknown, or two flags disagree.
    """
    given: dict[str, Any] = {NAME_QUESTION: check_name(choices.name, catalog.reserved_names)}
    pairs: list[tuple[str, Any]] = []
    if choices.preset is not None:
        _require("preset", choices.preset, catalog.presets)
        pairs.append((PRESET_QUESTION, choices.preset))
    if choices.concurrency is not None:
        pairs.append((CONCURRENCY_QUESTION, choices.concurrency))
    for wanted, modules in ((True, choices.with_modules), (False, choices.without_modules)):
        for module in itertools.chain.from_iterable(map(listed, modules)):
            _require("module", module, catalog.modules)
            pairs.append((module_question(module), wanted))
    pairs.extend(setting(text, template) for text in choices.settings)
    for question, value in pairs:
        if question in given and given[question] != value:
            raise InvalidAnswerError(f"{question} is answered twice, with different values.")
        given[question] = value
    return given


def listed(text: str) -> list[str]:
    """Split what follows one `--with`: a name, or several with commas between."""
    return [name.strip() for name in text.split(",")]


def _require(kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UnknownChoiceError(f'There is no {kind} "{name}". {near_match(name, known)}')
