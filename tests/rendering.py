"""Render a worker for a test, with answers that are checked to be answers."""

from __future__ import annotations

from pathlib import Path

from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from gen_worker.template.definition import find_template, load_template
from gen_worker.template.questionnaire import NAME_QUESTION, settable_questions

PROJECT = find_template()


def render(tmp_path: Path, worker_type: str = "payment", **answers: object) -> Path:
    """Render one worker repository, without git.

    Args:
        tmp_path: Where `worker-NAME` is made.
        worker_type: The worker's name.
        **answers: Answers by question, such as `preset="batch"` or `with_mail=True`.

    Returns:
        The repository's folder.

    Raises:
        AssertionError: An answer answers no question, so the test would test nothing.
    """
    known = settable_questions(load_template(PROJECT))
    unknown = set(answers) - set(known)
    assert not unknown, f"copier.yml does not ask {sorted(unknown)}; it asks {known}"
    assert NAME_QUESTION not in answers
    settings = [f"{question}={value}" for question, value in answers.items()]
    choices = Choices(worker_type, settings=settings)
    return create(Request(choices, tmp_path, PROJECT, git=False)).target
