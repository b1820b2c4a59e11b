"""The presets render to what was reviewed."""

from __future__ import annotations

import difflib

import pytest
from golden import FOLDER, golden
from judging import CATALOG


@pytest.mark.parametrize("preset", list(CATALOG.presets))
def test_preset(preset: str) -> None:
    """A change of the template shows its effect in review: run `make golden` and look at it."""
    file = FOLDER / f"{preset}.txt"
    kept = file.read_text() if file.exists() else ""
    difference = "\n".join(
        difflib.unified_diff(
            kept.splitlines(), golden(preset).splitlines(), "kept", "rendered now", lineterm=""
        )
    )
    assert not difference, f"{difference[:8000]}\n\nIf this is right: make golden"


def test_no_preset_is_forgotten() -> None:
    """Nor is one kept that is gone."""
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(CATALOG.presets)
