"""A client that speaks to the test's own Firebase."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fcm_server import FakeFcm, account, write_account
from pytest_httpserver import HTTPServer

from worker_payment.kit.integrations.fcm import Fcm, FcmSettings


@pytest.fixture
def server(httpserver: HTTPServer) -> FakeFcm:
    """The Firebase of this test."""
    return FakeFcm(httpserver)


@pytest.fixture
def make_settings(server: FakeFcm, tmp_path: Path):
    """Make settings; keywords change them."""

    def make(**changed) -> FcmSettings:
        values = {
            "fcm_auth_json_dir": write_account(tmp_path, account(server.server)),
            "fcm_base_url": server.server.url_for("").rstrip("/"),
            "fcm_timeout": 10_000,
        }
        return FcmSettings(_env_file=None, **values | changed)

    return make


@pytest.fixture(scope="session")
def shared_fcm(make_httpserver: HTTPServer, tmp_path_factory) -> Iterator[Fcm]:
    """One client for all tests: reading its key and certificates takes a moment."""
    folder = write_account(tmp_path_factory.mktemp("fcm"), account(make_httpserver))
    url = make_httpserver.url_for("").rstrip("/")
    settings = FcmSettings(
        _env_file=None, fcm_auth_json_dir=folder, fcm_base_url=url, fcm_timeout=10_000
    )
    client = Fcm(settings)
    yield client
    client.close()


@pytest.fixture
def fcm(shared_fcm: Fcm, server: FakeFcm) -> Fcm:
    """A client whose messages go to this test's Firebase."""
    return shared_fcm
