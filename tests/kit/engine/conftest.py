"""Fixtures of the engine's tests."""

from __future__ import annotations

import threading

import pytest

import engine_jobs


@pytest.fixture(autouse=True)
def _nothing_runs_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of one test must not be mistaken for those of the next."""
    monkeypatch.setattr(engine_jobs, "running", threading.Semaphore(0))
    monkeypatch.setattr(engine_jobs, "ran", [])
    monkeypatch.setattr(engine_jobs, "gate", threading.Event())
