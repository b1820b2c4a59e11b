"""Public data: pages are collected one after the other."""

from __future__ import annotations

from datetime import date

import pytest

from {{ package_name }}.kit import PayloadError
from {{ package_name }}.processors import public_data
from {{ package_name }}.processors.public_data import (
    CollectPayload,
    collect_page,
)

FIRST = CollectPayload(dataset="air", day=date(2026, 1, 1))


@pytest.fixture
def stored(monkeypatch):
    """The rows that were stored."""
    found = []
    monkeypatch.setattr(public_data, "store", found.extend)
    return found


def test_a_page_is_stored_and_the_next_one_is_published(worker, stored):
    assert worker.run(collect_page, FIRST) == {"page": 1, "rows": 100}
    assert len(stored) == 100
    (following,) = worker.published(collect_page)
    assert following.payload["page"] == 2


def test_all_pages_are_collected_in_order(worker, stored):
    """Each page's job publishes the next one; the last one ends the chain."""
    collect_page.enqueue(FIRST)
    assert [ended.status for ended in worker.drain()] == ["finished"] * 3
    numbers = [int(row["id"].rpartition("-")[2]) for row in stored]
    assert numbers == list(range(250))


@pytest.mark.parametrize(
    "wrong", [{"dataset": "../etc"}, {"day": "yesterday"}, {"page": 0}, {"page": "two"}]
)
def test_a_wrong_payload_is_refused_by_the_name_of_its_field(worker, wrong):
    with pytest.raises(PayloadError, match=next(iter(wrong))):
        worker.run(collect_page, {"dataset": "air", "day": "2026-01-01"} | wrong)
