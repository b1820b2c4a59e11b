"""Public data: pages are collected one after the other."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from support import eventually
from {{ package_name }}.kit import PayloadError
from {{ package_name }}.kit.engine import Options
from {{ package_name }}.processors import public_data


def first_page():
    """The first page of a data set of this test's own."""
    return public_data.CollectPayload(dataset=f"air-{uuid4().hex}", day=date(2026, 1, 1))


def test_a_page_is_stored_and_the_next_one_is_published(default_queue, monkeypatch):
    stored = []
    monkeypatch.setattr(public_data, "store", stored.extend)
    payload = first_page()
    assert public_data.collect_page(payload) == {"page": 1, "rows": 100}
    assert len(stored) == 100
    following = payload.model_copy(update={"page": 2})
    assert not public_data.collect_page.enqueue(following, publisher=default_queue).queued


def test_all_pages_are_collected_in_order(default_queue, start_worker, monkeypatch):
    """Each page's job publishes the next one; the last one ends the chain."""
    stored = []
    monkeypatch.setattr(public_data, "store", stored.extend)
    public_data.collect_page.enqueue(first_page(), publisher=default_queue)
    start_worker(Options(concurrency=1))
    eventually(lambda: len(stored) == 250)
    numbers = [int(row["id"].rpartition("-")[2]) for row in stored]
    assert numbers == list(range(250))


@pytest.mark.parametrize(
    "wrong", [{"dataset": "../etc"}, {"day": "yesterday"}, {"page": 0}, {"page": "two"}]
)
def test_a_wrong_payload_is_refused_by_the_name_of_its_field(wrong):
    with pytest.raises(PayloadError, match=next(iter(wrong))):
        public_data.collect_page({"dataset": "air", "day": "2026-01-01"} | wrong)
