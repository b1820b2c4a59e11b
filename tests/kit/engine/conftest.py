"""Fixtures of the engine's tests."""

from __future__ import annotations

import sys
import threading

import pytest
import structlog
from structlog._config import BoundLoggerLazyProxy

import engine_jobs


@pytest.fixture(autouse=True)
def _logs_can_be_captured() -> None:
    """Forget how a test before configured the logs: the engine's loggers keep what they met first."""
    structlog.reset_defaults()
    for name, module in list(sys.modules.items()):
        if name.startswith("worker_payment.kit.engine"):
            for value in vars(module).values():
                if isinstance(value, BoundLoggerLazyProxy):
                    vars(value).pop("bind", None)


@pytest.fixture(autouse=True)
def _nothing_runs_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of one test must not be mistaken for those of the next."""
    monkeypatch.setattr(engine_jobs, "running", threading.Semaphore(0))
    monkeypatch.setattr(engine_jobs, "ran", [])
    monkeypatch.setattr(engine_jobs, "gate", threading.Event())
