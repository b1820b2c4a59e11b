"""Fixtures of the engine's tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import engine_jobs


@pytest.fixture(autouse=True)
def _nothing_runs_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs of one test must not be mistaken for those of the next, nor run on in it."""
    gate = threading.Event()
    monkeypatch.setattr(engine_jobs, "running", threading.Semaphore(0))
    monkeypatch.setattr(engine_jobs, "ran", [])
    monkeypatch.setattr(engine_jobs, "gate", gate)
    yield
    gate.set()
