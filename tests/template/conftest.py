"""Rendered workers: one rendering per variant."""

from __future__ import annotations

import pytest
from rendering import render
from variants import VARIANTS, Rendered, Variant


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda variant: variant.id)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Every variant, rendered once for the tests that look at it."""
    variant: Variant = request.param
    path = render(tmp_path_factory.mktemp("variant"), variant.name, **variant.answers)
    return Rendered(path, variant)
