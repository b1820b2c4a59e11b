"""Each variant of the generated repository judges itself, by its own rules."""

from __future__ import annotations

import pytest
from variants import SAME_EVERYWHERE, Rendered

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
    left_out = () if rendered.variant.whole else SAME_EVERYWHERE
    ignored = [f"--ignore={path}" for path in left_out]
    rendered.run("pytest", "-q", "-p", "no:cacheprovider", *ignored)
