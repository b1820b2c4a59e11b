"""From flags to answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gen_worker.errors import UserMistakeError
from gen_worker.new.flags import Choices, given_answers
from gen_worker.template.catalog import load_catalog
from gen_worker.template.definition import load_template
from gen_worker.template.questionnaire import settable_questions


def given(root: Path, **flags: Any) -> dict[str, Any]:
    """Map flags to raw answers with the sample template."""
    template = load_template(root)
    return given_answers(Choices("orders", **flags), template, load_catalog(template))


def test_flags_become_answers(sample_template: Path) -> None:
    """Every flag answers its question; a module's dashes become underscores."""
    assert given(
        sample_template,
        preset="payment",
        with_modules=["public-data"],
        without_modules=["mail"],
        concurrency="3",
        settings=["strict=yes"],
    ) == {
        "worker_type": "orders",
        "preset": "payment",
        "with_public_data": True,
        "with_mail": False,
        "concurrency": "3",
        "strict": "yes",
    }


def test_what_was_not_said_is_left_open(sample_template: Path) -> None:
    """Only the name is given, so that prompts or defaults answer the rest."""
    assert given(sample_template) == {"worker_type": "orders"}


def test_saying_the_same_twice_is_fine(sample_template: Path) -> None:
    """Scripts may repeat themselves."""
    assert given(sample_template, with_modules=["mail", "mail"])["with_mail"] is True


def test_modules_may_stand_together(sample_template: Path) -> None:
    """As one would type a list."""
    found = given(sample_template, with_modules=["mail, public-data"])
    assert (found["with_mail"], found["with_public_data"]) == (True, True)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"preset": "paymnt"}, 'There is no preset "paymnt". Did you mean "payment"?'),
        ({"preset": "zzz"}, "Available: payment, blank."),
        ({"with_modules": ["mial"]}, 'Did you mean "mail"?'),
        ({"with_modules": ["mail,"]}, 'There is no module "".'),
        ({"without_modules": ["public_data"]}, 'Did you mean "public-data"?'),
        ({"settings": ["concurency=3"]}, 'Did you mean "concurrency"?'),
        ({"settings": ["concurrency"]}, "QUESTION=VALUE"),
        ({"settings": ["package_name=x"]}, "package_name is computed"),
        ({"settings": ["worker_type=x"]}, "is the NAME itself"),
        ({"with_modules": ["mail"], "without_modules": ["mail"]}, "answered twice"),
        ({"concurrency": "3", "settings": ["concurrency=4"]}, "answered twice"),
    ],
)
def test_mistakes_are_refused(sample_template: Path, flags: dict[str, Any], message: str) -> None:
    """The text says what is wrong and what was probably meant."""
    with pytest.raises(UserMistakeError) as caught:
        given(sample_template, **flags)
    assert message in str(caught.value)


def test_computed_questions_cannot_be_set(sample_template: Path) -> None:
    """The catalogue and computed names are not offered."""
    assert settable_questions(load_template(sample_template)) == [
        "preset",
        "with_mail",
        "with_public_data",
        "mail_provider",
        "concurrency",
        "strict",
    ]
