"""Notification: one job, three channels, against servers of the test's own."""

from __future__ import annotations

import json
import socket
from email import message_from_bytes, policy
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from {{ package_name }}.kit import (
    PayloadError,
    PermanentError,
    TemporaryError,
)
from {{ package_name }}.processors import notification

SEND = "/v1/projects/test/messages:send"


class Vendors:
    """What the three vendors took, and answers that were planned for them.

    Args:
        server: Where Bizppurio and Firebase listen.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.messages: list[dict] = []
        self.pushes: list[dict] = []
        self.mails: list = []
        self.planned: dict[str, list[Response]] = {"bizppurio": [], "fcm": []}
        token = {"accesstoken": "t", "type": "Bearer", "expired": "20991231000000"}
        server.expect_request("/v1/token").respond_with_json(token)
        server.expect_request("/v3/message").respond_with_handler(self._message)
        access = {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
        server.expect_request("/token").respond_with_json(access)
        server.expect_request(SEND).respond_with_handler(self._push)

    def _message(self, request: Request) -> Response:
        if self.planned["bizppurio"]:
            return self.planned["bizppurio"].pop(0)
        self.messages.append(request.get_json())
        return answer({"code": 1000, "messagekey": "k", "refkey": request.get_json()["refkey"]})

    def _push(self, request: Request) -> Response:
        if self.planned["fcm"]:
            return self.planned["fcm"].pop(0)
        self.pushes.append(request.get_json()["message"])
        return answer({"name": "projects/test/messages/1"})

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def answer(body: dict, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


@pytest.fixture(scope="module")
def private_key() -> str:
    """Firebase's key, made here."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, *form).decode()


@pytest.fixture(autouse=True)
def vendors(worker, monkeypatch, httpserver: HTTPServer, tmp_path, private_key):
    """Servers for all channels, and clients that speak to them."""
    found = Vendors(httpserver)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mail_server = Controller(found, hostname="127.0.0.1", port=port)
    mail_server.start()
    url = httpserver.url_for("").rstrip("/")
    account = {
        "type": "service_account",
        "project_id": "test",
        "client_email": "test@example.com",
        "private_key": private_key,
        "token_uri": f"{url}/token",
    }
    (tmp_path / "fcm_auth.json").write_text(json.dumps(account))
    variables = {
        "BIZPPURIO_MSG_BASE_URL": url,
        "BIZPPURIO_MSG_ID": "tester",
        "BIZPPURIO_MSG_PASSWORD": "s3cret",
        "BIZPPURIO_MSG_FROM": "07000000000",
        "BIZPPURIO_MSG_SENDER_KEY": "sender",
        "FCM_AUTH_JSON_DIR": str(tmp_path),
        "FCM_BASE_URL": url,
        "MAIL_PROVIDER": "smtp",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_FROM": "Worker <worker@example.com>",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield found
    mail_server.stop()


def message(**changed):
    """A message that goes out by every channel."""
    values = {
        "text": "welcome",
        "variables": {"name": "홍길동", "link": "https://example.com/start"},
        "email": f"{uuid4().hex}@example.com",
        "phone": "010-1234-5678",
        "tokens": ["device-1", "device-2"],
    }
    return notification.SendPayload(**values | changed)


def test_one_job_sends_a_mail_an_alimtalk_with_sms_fallback_and_a_push(worker, vendors):
    payload = message()
    notification.send.enqueue(payload)
    (ended,) = worker.drain()
    assert ended.result == {"alimtalk": "accepted", "push": "accepted", "mail": "accepted"}
    (sent,) = vendors.messages
    assert (sent["type"], sent["to"], sent["resend"]) == ("at", "01012345678", {"first": "sms"})
    assert sent["recontent"]["sms"]["message"] == "홍길동님, 가입을 환영합니다."
    assert sorted(push["token"] for push in vendors.pushes) == ["device-1", "device-2"]
    assert vendors.pushes[0]["notification"]["body"] == "홍길동님, 가입을 환영합니다."
    (mail,) = vendors.mails
    assert (mail["To"], mail["Subject"]) == (payload.email, "Welcome, 홍길동")


@pytest.mark.parametrize("channel", ["email", "phone", "tokens"])
def test_a_channel_without_an_address_is_left_out(worker, channel):
    missing = {channel: [] if channel == "tokens" else None}
    outcome = worker.run(notification.send, message(**missing))
    assert len(outcome) == 2


def test_a_channel_that_refuses_does_not_keep_the_others_from_trying(worker, vendors):
    vendors.planned["bizppurio"] = [answer({"code": 2000}, 400)]
    outcome = worker.run(notification.send, message())
    assert outcome == {"alimtalk": "refused", "push": "accepted", "mail": "accepted"}


def test_a_job_that_is_retried_does_not_send_its_alimtalk_twice(worker, vendors):
    vendors.planned["fcm"] = [answer({}, 503), answer({}, 503)]
    payload = message()
    with pytest.raises(TemporaryError):
        worker.run(notification.send, payload)
    assert (len(vendors.messages), len(vendors.mails)) == (1, 0)
    worker.run(notification.send, payload)
    assert (len(vendors.messages), len(vendors.mails)) == (1, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "unheard-of"},
        {"variables": {}},
        {"email": None, "phone": None, "tokens": []},
        {"email": None, "phone": "12", "tokens": []},
    ],
)
def test_what_cannot_be_sent_fails_for_good(worker, changed):
    with pytest.raises(PermanentError):
        worker.run(notification.send, message(**changed))


def test_a_wrong_payload_is_refused(worker):
    with pytest.raises(PayloadError, match="phone"):
        worker.run(notification.send, {"text": "welcome", "phone": "0" * 21})


def test_the_same_message_waits_only_once_and_its_id_tells_no_address(worker):
    payload = message()
    first = notification.send.enqueue(payload)
    again = notification.send.enqueue(payload)
    other = notification.send.enqueue(message(key="2"))
    assert (first.queued, again.queued, other.queued) == (True, False, True)
    assert payload.email.partition("@")[0] not in first.job_id
