"""Notification: what becomes of one message."""

from __future__ import annotations

from uuid import uuid4

import pytest

from {{ package_name }}.kit import PayloadError, PermanentError
from {{ package_name }}.processors import notification


def message(**changed):
    """A message that can be sent."""
    values = {
        "recipient": f"{uuid4().hex}@example.com",
        "text": "welcome",
        "variables": {"name": "Hong"},
    }
    return notification.SendPayload(**values | changed)


def test_fills_the_text_and_hands_it_to_the_channel(monkeypatch):
    delivered = []
    monkeypatch.setattr(notification, "deliver", lambda *sent: delivered.append(sent))
    payload = message(recipient="hong@example.com", channel="push")
    assert notification.send(payload)["status"] == "sent"
    assert delivered == [("push", "hong@example.com", "Welcome, Hong.")]


@pytest.mark.parametrize("changed", [{"text": "unheard-of"}, {"variables": {}}])
def test_what_cannot_be_sent_fails_for_good(changed):
    with pytest.raises(PermanentError):
        notification.send(message(**changed))


def test_an_unknown_channel_is_refused():
    with pytest.raises(PayloadError, match="channel"):
        notification.send({"recipient": "hong@example.com", "text": "a", "channel": "fax"})


def test_runs_in_a_worker(work):
    job = work(notification.send, message())
    assert job.return_value() == {"channel": "mail", "text": "welcome", "status": "sent"}


def test_the_same_message_waits_only_once_and_its_id_tells_no_address(publisher):
    payload = message()
    first = notification.send.enqueue(payload, publisher=publisher)
    again = notification.send.enqueue(payload, publisher=publisher)
    other = notification.send.enqueue(message(key="2"), publisher=publisher)
    assert (first.queued, again.queued, other.queued) == (True, False, True)
    assert payload.recipient.partition("@")[0] not in first.job_id
