"""payloads.json is what the code says, so that a change of it is seen in review."""

from __future__ import annotations

from support import ROOT
from worker_payment import processors as package
from worker_payment.kit.contracts.snapshot import FILE, describe, dump
from worker_payment.kit.engine import processors


def test_the_committed_contract_is_the_one_in_the_code():
    package.load()
    own = [each for each in processors() if each.path.startswith(f"{package.__name__}.")]
    found = (ROOT / FILE).read_text(encoding="utf-8")
    assert found == dump(describe(own)), "the contract has changed: run `make payloads`"
