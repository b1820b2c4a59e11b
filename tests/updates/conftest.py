"""Laboratories: template repositories with versions, made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import Lab, sample_lab


@pytest.fixture
def lab(tmp_path: Path, sample_template: Path) -> Lab:
    """The sample template with a few files that owners edit, tagged v0.1.0."""
    return sample_lab(tmp_path / "lab", sample_template)
