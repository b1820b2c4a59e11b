"""None, every module alone, every pair and all: each rendered worker judges itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from judging import CATALOG, PROJECT, Combination, Judge, combinations, covering, traces

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("combination", covering(), ids=lambda one: one.name)
def test_combination(combination: Combination, tmp_path: Path) -> None:
    """No trace of what was not chosen; linted, formatted, typed, importable.

    `make test-variants` runs the workers' own tests as well; those of the presets and of all
    modules together are run in tests/template.
    """
    process = os.environ.get("PYTEST_XDIST_WORKER", "main")
    judge = Judge(tmp_path, PROJECT / ".mypy_cache" / f"variants-{process}")
    verdict = judge.judge(combination, tests=False)
    assert verdict.problem is None, verdict.problem


def test_every_combination_is_listed_once() -> None:
    """Two answers for each module; the covering ones hold every pair."""
    every = combinations()
    assert len({one.modules for one in every}) == len(every) == 2 ** len(CATALOG.modules)
    chosen = [set(one.modules) for one in covering() if len(one.modules) < len(CATALOG.modules)]
    for first in CATALOG.modules:
        assert {first} in chosen
        for second in CATALOG.modules:
            assert {first, second} in chosen
    for attribute in ("preset", "language", "dialect"):
        assert len({getattr(one, attribute) for one in covering()}) > 1


def test_a_trace_is_found(tmp_path: Path) -> None:
    """The judge itself is not blind."""
    nothing = combinations()[0]
    judge = Judge(tmp_path, tmp_path / "cache")
    worker = judge.write(nothing)
    assert list(traces(worker, nothing)) == []
    (worker / "src" / "worker_payment" / "extra.py").write_text(
        '"""See integrations.mail."""\n\nimport boto3\n\nPASSWORD = "SMTP_PASSWORD"\n'
    )
    assert sorted(traces(worker, nothing)) == [
        "src/worker_payment/extra.py imports boto3",
        "src/worker_payment/extra.py speaks of SMTP_PASSWORD",
        "src/worker_payment/extra.py speaks of integrations.mail",
    ]
