"""Each variant of the generated repository judges itself, by its own rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging import KIT_TESTS_OF_A_CHOICE
from rendering import PROJECT, render
from variants import VARIANTS, Rendered, Variant

pytestmark = pytest.mark.timeout(600)


def test_is_linted_and_formatted(rendered: Rendered) -> None:
    """The rendering is as the formatter would leave it."""
    rendered.run("ruff", "check", "--no-cache", ".")
    rendered.run("ruff", "format", "--no-cache", "--diff", ".")


def test_is_typed(rendered: Rendered) -> None:
    """Strictly, as its pyproject.toml says."""
    rendered.run("mypy")


def test_passes_its_own_tests(rendered: Rendered) -> None:
    """With warnings as errors, against real servers."""
    rendered.run("pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.parametrize("variant", VARIANTS[:-1], ids=lambda variant: variant.id)
def test_its_kit_holds(variant: Variant, tmp_path: Path) -> None:
    """The tests of the kit for what the choice of modules changes; they import worker_payment.

    Every module together is what tests/kit runs against.
    """
    worker = Rendered(render(tmp_path, variant.name, **variant.answers), variant)
    worker.run(
        *("pytest", "-q", "-p", "no:cacheprovider", *KIT_TESTS_OF_A_CHOICE),
        folder=PROJECT,
        KIT_WORKER=str(worker.path),
    )
