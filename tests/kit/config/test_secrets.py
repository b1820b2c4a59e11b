"""The scrubber of the logs is told every secret that the settings hold."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from worker_payment.kit.config import Settings
from worker_payment.kit.config import secrets as module
from worker_payment.worker import worker


@pytest.fixture(autouse=True)
def _no_integrations(monkeypatch):
    """Their variables are tested beside them."""
    monkeypatch.setattr(worker, "models", lambda: ())


def test_a_url_counts_by_its_password_as_it_is_written_and_as_it_is_meant():
    settings = Settings(redis_url=SecretStr("redis://user:p%40ss@127.0.0.1:6379/0"))
    assert module.known_secrets(settings) == {"p%40ss", "p@ss"}


def test_a_url_without_password_holds_no_secret():
    settings = Settings(redis_url=SecretStr("redis://127.0.0.1:6379/0"))
    assert module.known_secrets(settings) == set()
