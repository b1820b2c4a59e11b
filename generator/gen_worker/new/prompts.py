"""Ask a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import questionary

from gen_worker.errors import InterruptedRunError
from gen_worker.template.questionnaire import Prompt

_MARK = "?"


class TerminalAsker:
    """Asks with lists to pick from where there are choices, with lines to edit elsewhere."""

    def ask(self, prompt: Prompt) -> Any:
        """Ask one question.

        Returns:
            The answer, already accepted by the question's own check.

        Raises:
            InterruptedRunError: Ctrl-C or Ctrl-D.
        """
        return _answered(_question(prompt))

    def ask_together(self, prompts: Sequence[Prompt]) -> Mapping[str, bool]:
        """Ask several yes-or-no questions as one list to tick.

        Raises:
            InterruptedRunError: Ctrl-C or Ctrl-D.
        """
        ticked = _answered(
            questionary.checkbox(
                "Modules",
                choices=[
                    questionary.Choice(prompt.message, prompt.name, checked=prompt.default)
                    for prompt in prompts
                ],
                qmark=_MARK,
                instruction="(space: select, enter: confirm)",
            )
        )
        return {prompt.name: prompt.name in ticked for prompt in prompts}


def _question(prompt: Prompt) -> questionary.Question:
    if prompt.choices:
        return questionary.select(
            prompt.message,
            choices=[questionary.Choice(label, value) for label, value in prompt.choices],
            default=prompt.default,
            qmark=_MARK,
            instruction="(arrows, enter)",
        )
    if prompt.kind == "bool":
        return questionary.confirm(prompt.message, default=prompt.default, qmark=_MARK)

    def validate(text: str) -> bool | str:
        return prompt.check(text) or True

    return questionary.text(
        f"{prompt.message}:", default=str(prompt.default), validate=validate, qmark=_MARK
    )


def _answered(question: questionary.Question) -> Any:
    try:
        return question.unsafe_ask()
    except (KeyboardInterrupt, EOFError) as error:
        raise InterruptedRunError from error
