"""Servers that the tests of several integrations share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from database_servers import KINDS, Server, start_server


@pytest.fixture(scope="session", params=sorted(KINDS))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server of each kind for the whole session."""
    started = start_server(request.param)
    yield started
    started.remove()
