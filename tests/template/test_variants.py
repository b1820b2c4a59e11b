"""Each variant of the generated repository judges itself, by its own rules."""

from __future__ import annotations

import pytest
from variants import OWN, SHARED, VARIANTS, Rendered

pytestmark = pytest.mark.timeout(600)


def test_is_linted_and_formatted(rendered: Rendered) -> None:
    """The rendering is as the formatter would leave it."""
    rendered.run("ruff", "check", "--no-cache", ".")
    rendered.run("ruff", "format", "--no-cache", "--diff", ".")


def test_is_typed(rendered: Rendered) -> None:
    """Strictly, as its pyproject.toml says."""
    rendered.run("mypy")


PARTS = [(variant, part) for variant in VARIANTS for part in variant.parts]


@pytest.mark.parametrize(
    ("rendered", "part"),
    PARTS,
    indirect=["rendered"],
    ids=[f"{variant.name}-{part}" for variant, part in PARTS],
)
def test_passes_its_own_tests(rendered: Rendered, part: str) -> None:
    """With warnings as errors, against real servers; a part at a time, so that they share out."""
    inner = [f"--ignore=tests/{name}" for name in SHARED if part == OWN or f"{part}/" in name]
    chosen = inner if part == OWN else [f"tests/{part}", *inner]
    rendered.run("pytest", "-q", "-p", "no:cacheprovider", *chosen)


def test_every_part_is_run_somewhere() -> None:
    """A part that no variant names would never be tested."""
    assert {part for variant in VARIANTS for part in variant.parts} == {OWN, *SHARED}
