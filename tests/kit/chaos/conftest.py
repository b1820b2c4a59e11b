"""Fixtures of the chaos suite."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The file in which jobs note each run."""
    return tmp_path / "runs"
