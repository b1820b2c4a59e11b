"""Answer the questions of copier.yml in order, by the rules Copier has for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import yaml

from gen_worker.errors import InvalidAnswerError, TemplateError, UnknownChoiceError, near_match
from gen_worker.template.jinja import Renderer
from gen_worker.template.definition import Template, parse_yaml

NAME_QUESTION = "worker_type"
PRESET_QUESTION = "preset"
_MISSING = object()


class Prompt(NamedTuple):
    """One question, ready to be shown to a person.

    Attributes:
        name: The question's name.
        message: The rendered help text.
        kind: "bool", "int", "str" and so on, as in copier.yml.
        default: What Enter gives.
        choices: Label and value of each choice; empty when anything may be typed.
        check: Returns what is wrong with an answer, None when it is accepted.
    """

    name: str
    message: str
    kind: str
    default: Any
    choices: Sequence[tuple[str, Any]]
    check: Callable[[Any], str | None]


class Asker(Protocol):
    """Gets answers from a person."""

    def ask(self, prompt: Prompt) -> Any:
        """Return the answer to one question."""

    def ask_together(self, prompts: Sequence[Prompt]) -> Mapping[str, bool]:
        """Return the answers to several yes-or-no questions shown as one list."""


@dataclass
class Answers:
    """All answers of a run.

    Attributes:
        values: Every answer, computed ones too.
        hidden: Names of those that are computed and not remembered.
    """

    values: dict[str, Any] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    @property
    def remembered(self) -> dict[str, Any]:
        """What the answers file keeps and reports show."""
        return {name: value for name, value in self.values.items() if name not in self.hidden}


class Questionnaire:
    """Turns what is known into the complete answers."""

    def __init__(self, template: Template, renderer: Renderer) -> None:
        """Prepare the questions.

        Args:
            template: Whose questions are answered.
            renderer: Renders their defaults, choices and validators.
        """
        self._template = template
        self._renderer = renderer
        self._answers = Answers()

    def answer(
        self,
        given: Mapping[str, Any],
        asker: Asker | None = None,
        together: Mapping[str, str] = MappingProxyType({}),
        recorded: Mapping[str, Any] = MappingProxyType({}),
    ) -> Answers:
        """Answer every question.

        Args:
            given: Answers that flags already gave, by question.
            asker: Asks a person for the rest; without one, defaults answer.
            together: Yes-or-no questions to ask as one list, with the label of each.
            recorded: Answers of an earlier run, used where nothing is given and they apply.

        Raises:
            InvalidAnswerError: An answer is refused, or answers a question that is not asked.
            TemplateError: A question cannot be rendered.
        """
        self._answers = Answers()
        known = dict(given)
        for name in self._template.questions:
            if not self._applies(name):
                if name in known:
                    raise InvalidAnswerError(f"{name} does not apply to the other answers.", name)
                self._answers.hidden.add(name)
                if "default" not in self._template.questions[name]:
                    continue
                self._answers.values[name] = self._default(name)
                continue
            if name not in known and asker is not None:
                known.update(self._ask(name, asker, together, known))
            if name not in known and name in recorded:
                known[name] = recorded[name]
            value = self._parse(name, known[name]) if name in known else self._default(name)
            if problem := self._problem(name, value):
                raise InvalidAnswerError(f"{name} cannot be {value!r}: {problem}", name)
            self._answers.values[name] = value
        return self._answers

    def _ask(
        self, name: str, asker: Asker, together: Mapping[str, str], known: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Ask a person one question, or the whole group the question belongs to."""
        if name not in together:
            return {name: asker.ask(self._prompt(name))}
        group = [other for other in together if other not in known and self._applies(other)]
        return asker.ask_together([self._prompt(other, together[other]) for other in group])

    def _prompt(self, name: str, label: str | None = None) -> Prompt:
        details = self._template.questions[name]
        default = self._default(name) if "default" in details else ""
        message = label or self._render(details.get("help", name))

        def check(answer: Any) -> str | None:
            try:
                return self._problem(name, self._parse(name, answer))
            except InvalidAnswerError as error:
                return str(error)

        choices = self._choices(name)
        return Prompt(name, message, details["type"], default, choices, check)

    def _render(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        return self._renderer.value(value, {**self._answers.values, **(extra or {})})

    def _applies(self, name: str) -> bool:
        return to_bool(self._render(self._template.questions[name].get("when", True)))

    def _default(self, name: str) -> Any:
        default = self._template.questions[name].get("default", _MISSING)
        if default is _MISSING:
            raise InvalidAnswerError(f"{name} needs an answer: --set {name}=VALUE.", name)
        return self._parse(name, self._render(default))

    def _problem(self, name: str, value: Any) -> str | None:
        """Ask the question's validator; it renders nothing when it is content."""
        validator = self._template.questions[name].get("validator", "")
        return self._render(validator, {name: value}).strip() or None

    def _choices(self, name: str) -> list[tuple[str, Any]]:
        """List label and value of each choice; choices may be a list, a mapping or Jinja."""
        choices = self._template.questions[name].get("choices", [])
        if isinstance(choices, str):
            choices = self._parsed_choices(name, choices)
        pairs = choices.items() if isinstance(choices, dict) else [(item, item) for item in choices]
        kind = self._template.questions[name]["type"]
        return [(str(self._render(label)), cast(kind, self._render(v))) for label, v in pairs]

    def _parsed_choices(self, name: str, source: str) -> Any:
        try:
            choices = parse_yaml(self._render(source))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise TemplateError(f"The choices of {name} in copier.yml are malformed.") from error
        if not isinstance(choices, (list, dict)):
            raise TemplateError(f"The choices of {name} in copier.yml are no list.")
        return choices

    def _parse(self, name: str, raw: Any) -> Any:
        """Turn a raw answer into the question's type, or into one of its choices."""
        kind = self._template.questions[name]["type"]
        try:
            value = cast(kind, raw)
        except (ValueError, TypeError, OverflowError) as error:
            shown = {"int": "a whole number", "float": "a number"}.get(kind, f"valid {kind}")
            raise InvalidAnswerError(f"{name} must be {shown}, not {raw!r}.", name) from error
        values = [choice for _, choice in self._choices(name)]
        if values and value not in values:
            hint = near_match(str(value), map(str, values))
            raise InvalidAnswerError(f'"{value}" is not a {name.replace("_", " ")}. {hint}', name)
        return value


def cast(kind: str, raw: Any) -> Any:
    """Cast an answer to a question's type, as Copier does.

    Args:
        kind: The type in copier.yml.
        raw: A string from a flag or a prompt, or a value from YAML.

    Raises:
        ValueError: The answer is not of that type.
        TypeError: Neither is it a string that could become one.
        TemplateError: There is no such type.
    """
    if kind == "bool":
        return to_bool(raw)
    if kind == "int":
        return int(raw)
    if kind == "float":
        return float(raw)
    if kind in {"str", "path"}:
        return str(raw)
    if kind in {"yaml", "json"}:
        if not isinstance(raw, str):
            return raw
        try:
            return parse_yaml(raw) if kind == "yaml" else json.loads(raw)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from error
    raise TemplateError(f"copier.yml has a question of an unknown type: {kind}.")


def to_bool(raw: Any) -> bool:
    """Read a boolean: numbers by being zero or not, words as YAML has them.

    Args:
        raw: A value or its text.

    Raises:
        ValueError: The word is neither yes nor no.
    """
    if not isinstance(raw, str):
        return bool(raw)
    word = raw.strip().lower()
    if word in {"y", "yes", "t", "true", "on", "1"}:
        return True
    if word in {"", "n", "no", "f", "false", "off", "0", "~", "null", "none"}:
        return False
    raise ValueError(f"{raw!r} is neither yes nor no")


def setting(text: str, template: Template) -> tuple[str, str]:
    """Split and check one `--set QUESTION=VALUE`.

    Returns:
        The question and the value as typed.

    Raises:
        UserMistakeError: It is malformed, or there is no such question.
    """
    question, equals, value = text.partition("=")
    if not equals:
        raise InvalidAnswerError(f'--set needs QUESTION=VALUE, not "{text}".')
    if question == NAME_QUESTION:
        raise InvalidAnswerError(f"{NAME_QUESTION} is the NAME itself; --set cannot change it.")
    askable = settable_questions(template)
    if question not in askable:
        computed = question in template.questions
        problem = f"{question} is computed" if computed else f'There is no question "{question}"'
        raise UnknownChoiceError(f"{problem}. {near_match(question, askable)}")
    return question, value


def settable_questions(template: Template) -> list[str]:
    """List the questions that `--set` may answer.

    Returns:
        All but the name and the computed ones.
    """
    return [
        name
        for name, details in template.questions.items()
        if details.get("when", True) is not False and name != NAME_QUESTION
    ]
