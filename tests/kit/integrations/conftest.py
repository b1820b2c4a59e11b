"""Servers that the tests of several integrations share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from database_servers import KINDS, Server, start_server


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Callable[[str], Server]]:
    """Servers for the whole session: the first test that needs one of a kind starts it."""
    started: dict[str, Server] = {}

    def get(dbms: str) -> Server:
        if dbms not in started:
            started[dbms] = start_server(dbms)
        return started[dbms]

    yield get
    for each in started.values():
        each.remove()


@pytest.fixture(params=sorted(KINDS))
def server(request: pytest.FixtureRequest, shared_server: Callable[[str], Server]) -> Server:
    """The session's server of each kind."""
    return shared_server(request.param)
