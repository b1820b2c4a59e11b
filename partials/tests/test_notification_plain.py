"""Notification: what becomes of one message."""

from __future__ import annotations

import pytest

from {{ package_name }}.kit import PayloadError, PermanentError
from {{ package_name }}.processors import notification
from {{ package_name }}.processors.notification import SendPayload, send


def message(**changed):
    """A message that can be sent."""
    values = {"recipient": "hong@example.com", "text": "welcome", "variables": {"name": "Hong"}}
    return SendPayload(**values | changed)


def test_fills_the_text_and_hands_it_to_the_channel(worker, monkeypatch):
    delivered = []
    monkeypatch.setattr(notification, "deliver", lambda *sent: delivered.append(sent))
    assert worker.run(send, message(channel="push"))["status"] == "sent"
    assert delivered == [("push", "hong@example.com", "Welcome, Hong.")]


@pytest.mark.parametrize("changed", [{"text": "unheard-of"}, {"variables": {}}])
def test_what_cannot_be_sent_fails_for_good(worker, changed):
    with pytest.raises(PermanentError):
        worker.run(send, message(**changed))


def test_an_unknown_channel_is_refused(worker):
    with pytest.raises(PayloadError, match="channel"):
        worker.run(send, {"recipient": "hong@example.com", "text": "a", "channel": "fax"})


def test_the_same_message_waits_only_once_and_its_id_tells_no_address(worker):
    first, again, other = (send.enqueue(message(**key)) for key in ({}, {}, {"key": "2"}))
    assert (first.queued, again.queued, other.queued) == (True, False, True)
    assert "hong" not in first.job_id


def test_runs_in_a_worker(worker):
    """From the queue to the result, through a real server."""
    send.enqueue(message())
    (ended,) = worker.drain()
    assert ended.result == {"channel": "mail", "text": "welcome", "status": "sent"}
