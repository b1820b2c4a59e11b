"""Answering the questions by the rules of copier.yml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from gen_worker.errors import InvalidAnswerError, TemplateError
from gen_worker.template.definition import load_template
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Answers, Asker, Prompt, Questionnaire, cast, to_bool


class ScriptedAsker:
    """A person who answers from a script and remembers what was asked."""

    def __init__(self, **script: Any) -> None:
        """Take answers by question."""
        self.script = script
        self.asked: list[Prompt] = []

    def ask(self, prompt: Prompt) -> Any:
        """Answer from the script, else press Enter."""
        self.asked.append(prompt)
        return self.script.get(prompt.name, prompt.default)

    def ask_together(self, prompts: Sequence[Prompt]) -> Mapping[str, bool]:
        """Answer a list of modules."""
        return {prompt.name: self.ask(prompt) for prompt in prompts}


def answer(root: Path, asker: Asker | None = None, **given: Any) -> Answers:
    """Answer the sample template's questions."""
    template = load_template(root)
    questionnaire = Questionnaire(template, Renderer(template))
    together = {"with_mail": "mail: sends mail", "with_public_data": "public-data: collects"}
    return questionnaire.answer({"worker_type": "payment", **given}, asker, together)


def test_defaults_come_from_the_preset(sample_template: Path) -> None:
    """With nothing said, the preset that bears the name decides."""
    answers = answer(sample_template)
    assert answers.remembered == {
        "worker_type": "payment",
        "preset": "payment",
        "with_mail": True,
        "with_public_data": False,
        "mail_provider": "smtp",
        "concurrency": 2,
        "strict": False,
    }
    assert answers.values["package_name"] == "worker_payment"


def test_a_question_that_does_not_apply_is_not_remembered(sample_template: Path) -> None:
    """Without mail there is no mail provider, and answering it is a mistake."""
    answers = answer(sample_template, with_mail=False)
    assert "mail_provider" not in answers.remembered
    with pytest.raises(InvalidAnswerError, match="mail_provider does not apply"):
        answer(sample_template, with_mail=False, mail_provider="ses")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"concurrency": "0"}, InvalidAnswerError, "At least 1"),
        ({"concurrency": "many"}, InvalidAnswerError, "whole number"),
        ({"concurrency": "1.5"}, InvalidAnswerError, "whole number"),
        ({"strict": "perhaps"}, InvalidAnswerError, "valid bool"),
        ({"mail_provider": "sess"}, InvalidAnswerError, 'Did you mean "ses"'),
        ({"mail_provider": "pigeon"}, InvalidAnswerError, "smtp, ses"),
    ],
)
def test_bad_values_are_refused(
    sample_template: Path, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The question's type, choices and validator all have their say."""
    with pytest.raises(error, match=message):
        answer(sample_template, **given)


def test_a_person_is_asked_only_what_no_flag_said(sample_template: Path) -> None:
    """Given answers are not asked again; the advice and the preset's value are in the question."""
    asker = ScriptedAsker(concurrency="7")
    answers = answer(sample_template, asker, preset="payment", with_mail=True)
    names = [prompt.name for prompt in asker.asked]
    assert names == ["with_public_data", "mail_provider", "concurrency", "strict"]
    concurrency = asker.asked[2]
    assert concurrency.message == "Jobs at once (advice: 1-3)"
    assert concurrency.default == 2
    assert answers.values["concurrency"] == 7


def test_flags_and_prompts_reach_the_same_answers(sample_template: Path) -> None:
    """What is typed goes through the same parsing as what is flagged."""
    wanted: dict[str, Any] = {
        "preset": "blank",
        "with_mail": True,
        "mail_provider": "ses",
        "concurrency": "9",
    }
    asked = answer(sample_template, ScriptedAsker(**wanted, with_public_data=False))
    assert asked == answer(sample_template, **wanted, with_public_data="no")


def test_a_prompt_checks_answers_as_flags_are_checked(sample_template: Path) -> None:
    """The check a prompt runs while one types says what a flag's error would say."""
    asker = ScriptedAsker()
    answer(sample_template, asker)
    checks = {prompt.name: prompt.check for prompt in asker.asked}
    assert checks["concurrency"]("3") is None
    assert checks["concurrency"]("0") == "At least 1."
    assert "whole number" in str(checks["concurrency"]("x"))
    assert "Did you mean" in str(checks["mail_provider"]("smtpp"))


def test_a_question_without_default_needs_an_answer(sample_template: Path, tmp_path: Path) -> None:
    """Without a person to ask, the way to say it is named."""
    text = (sample_template / "copier.yml").read_text()
    (tmp_path / "copier.yml").write_text(f"{text}\nregion:\n  type: str\n")
    with pytest.raises(InvalidAnswerError, match="--set region=VALUE"):
        answer(tmp_path)
    assert answer(tmp_path, region="seoul").values["region"] == "seoul"


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("bool", "yes", True),
        ("bool", "off", False),
        ("bool", 1, True),
        ("float", "1.5", 1.5),
        ("yaml", "[1, b]", [1, "b"]),
        ("json", '{"a": 1}', {"a": 1}),
        ("json", {"a": 1}, {"a": 1}),
        ("path", "x/y", "x/y"),
    ],
)
def test_answers_are_cast_to_the_questions_type(kind: str, raw: Any, value: Any) -> None:
    """Text from a flag becomes what YAML would have given."""
    assert cast(kind, raw) == value


def test_nonsense_casts_raise() -> None:
    """A malformed value is a ValueError, an unknown type the template's fault."""
    with pytest.raises(ValueError, match="neither yes nor no"):
        to_bool("maybe")
    with pytest.raises(ValueError, match="flow"):
        cast("yaml", "[")
    with pytest.raises(TemplateError, match="unknown type: color"):
        cast("color", "red")
