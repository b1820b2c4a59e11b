"""FCM through the real firebase-admin: one, many, topics, and what may go wrong."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

import pytest
from fcm_server import SEND, account, invalid, refusal, write_account
from werkzeug import Response

from worker_payment.kit.engine import PermanentError, TemporaryError
from worker_payment.kit.integrations.fcm import (
    AndroidOptions,
    Fcm,
    FcmRefusedError,
    FcmUnavailableError,
    InvalidPushError,
    InvalidTokenError,
    IosOptions,
    Push,
    WebOptions,
)

HELLO = Push("안녕", "하세요")


def test_one_device_gets_a_message(fcm, server):
    assert fcm.send(HELLO, token="device").startswith("projects/worker-test/messages/")
    assert server.bodies == [
        {"message": {"token": "device", "notification": {"title": "안녕", "body": "하세요"}}}
    ]


@pytest.mark.parametrize("target", [{"topic": "news"}, {"condition": "'a' in topics"}])
def test_topics_and_conditions_get_a_message(fcm, server, target):
    fcm.send(HELLO, **target)
    (name, value), *_ = target.items()
    assert server.bodies[0]["message"][name] == value


def test_an_installation_id_is_a_target_too(fcm, server):
    fcm.send(HELLO, fid="app-1")
    fcm.send_many(HELLO, ["app-2"], by="fid")
    assert [body["message"]["fid"] for body in server.bodies] == ["app-1", "app-2"]


def test_options_of_all_platforms_arrive(fcm, server):
    push = Push(
        "제목",
        "내용",
        data={"orderId": "A-1"},
        image="https://a.kr/a.png",
        tag="order-A-1",
        android=AndroidOptions("high", 60, channel_id="orders", sound="default", color="#ff0000"),
        ios=IosOptions(badge=1, sound="default", thread_id="orders", priority=10, ttl=60),
        web=WebOptions(link="https://a.kr/orders", icon="https://a.kr/i.png", urgency="low", ttl=9),
        analytics_label="orders",
    )
    fcm.send(push, token="device")
    sent = server.bodies[0]["message"]
    assert sent["data"] == {"orderId": "A-1"}
    assert sent["notification"]["image"] == "https://a.kr/a.png"
    assert sent["fcm_options"] == {"analytics_label": "orders"}
    android = sent["android"]
    assert (android["priority"], android["ttl"]) == ("high", "60s")
    assert android["collapse_key"] == android["notification"]["tag"] == "order-A-1"
    assert android["notification"]["channel_id"] == "orders"
    headers = sent["apns"]["headers"]
    assert (headers["apns-collapse-id"], headers["apns-priority"]) == ("order-A-1", "10")
    assert abs(int(headers["apns-expiration"]) - time.time() - 60) < 10
    assert sent["apns"]["payload"]["aps"] == {"badge": 1, "sound": "default", "thread-id": "orders"}
    web = sent["webpush"]
    assert web["headers"] == {"TTL": "9", "Urgency": "low"}
    assert web["notification"] == {"icon": "https://a.kr/i.png", "tag": "order-A-1"}
    assert web["fcm_options"] == {"link": "https://a.kr/orders"}


def test_a_message_with_data_alone_is_silent(fcm, server):
    push = Push(data={"a": "1"}, ios=IosOptions(content_available=True), tag="t")
    fcm.send(push, token="device")
    sent = server.bodies[0]["message"]
    assert "notification" not in sent
    assert sent["apns"]["payload"]["aps"] == {"content-available": 1}
    assert "notification" not in sent["android"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Push, "empty"),
        (lambda: Push(data={"a": 1}), "must be a text"),
        (lambda: Push(data={"from": "a"}), "may not have the key"),
        (lambda: Push(data={"google.x": "a"}), "may not have the key"),
        (lambda: Push("가" * 1366), "4098 bytes"),
        (lambda: Push("a", tag="가" * 22), "tag"),
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_for_good(make, reason):
    with pytest.raises(InvalidPushError, match=reason):
        make()


@pytest.mark.parametrize(
    "call",
    [
        lambda fcm: fcm.send(HELLO),
        lambda fcm: fcm.send(HELLO, token="a", topic="b"),
        lambda fcm: fcm.send(HELLO, topic="a b"),
        lambda fcm: fcm.send(Push("a", android=AndroidOptions(color="red")), token="a"),
        lambda fcm: fcm.send(Push("a", web=WebOptions(link="ftp://a")), token="a"),
        lambda fcm: fcm.send_many(Push("a", android=AndroidOptions(ttl=-1)), ["a"]),
        lambda fcm: fcm.subscribe(["a"], "a b"),
    ],
)
def test_what_the_library_refuses_is_refused_for_good(fcm, server, call):
    with pytest.raises(InvalidPushError):
        call(fcm)
    assert server.bodies == []


@pytest.mark.parametrize(
    ("answer", "kind", "code", "wait"),
    [
        (refusal(404, "NOT_FOUND", "UNREGISTERED"), InvalidTokenError, "UNREGISTERED", None),
        (
            refusal(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
            InvalidTokenError,
            "SENDER_ID_MISMATCH",
            None,
        ),
        (invalid("message.token"), InvalidTokenError, "INVALID_ARGUMENT", None),
        (invalid("message.data"), FcmRefusedError, "INVALID_ARGUMENT", None),
        (
            refusal(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
            FcmRefusedError,
            "UNAUTHENTICATED",
            None,
        ),
        (refusal(403, "PERMISSION_DENIED"), FcmRefusedError, "PERMISSION_DENIED", None),
        (
            refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", Retry_After="90"),
            FcmUnavailableError,
            "QUOTA_EXCEEDED",
            90.0,
        ),
        (
            refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
            FcmUnavailableError,
            "QUOTA_EXCEEDED",
            60.0,
        ),
        (Response("", 429), FcmUnavailableError, "QUOTA_EXCEEDED", 60.0),
        (
            refusal(503, "UNAVAILABLE", "UNAVAILABLE", Retry_After="5"),
            FcmUnavailableError,
            "UNAVAILABLE",
            5.0,
        ),
        (refusal(500, "INTERNAL", "INTERNAL"), FcmUnavailableError, "INTERNAL", None),
        (Response("<html>", 502), FcmUnavailableError, "UNKNOWN", None),
    ],
)
def test_errors_are_permanent_or_temporary_at_once(fcm, server, answer, kind, code, wait):
    server.answers["device"] = answer
    begin = time.monotonic()
    with pytest.raises(kind) as caught:
        fcm.send(HELLO, token="device")
    assert time.monotonic() - begin < 1.5, "the library slept"
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert getattr(caught.value, "retry_after", None) == wait
    assert isinstance(caught.value, PermanentError | TemporaryError)
    assert "device" not in str(caught.value)
    # 401 makes google-auth fetch a new token and ask again; nothing else is repeated.
    assert len(server.bodies) == (3 if answer.status_code == 401 else 1)


def test_many_devices_get_a_result_each(fcm, server):
    server.answers["gone"] = refusal(404, "NOT_FOUND", "UNREGISTERED")
    server.answers["busy"] = refusal(503, "UNAVAILABLE", "UNAVAILABLE", Retry_After="5")
    result = fcm.send_many(HELLO, ["a", "gone", "busy", "a", "b"])
    assert [each.accepted for each in result.results] == [True, False, False, True]
    assert (result.accepted, result.invalid_tokens, result.retryable_tokens) == (
        2,
        ["gone"],
        ["busy"],
    )
    assert len(server.bodies) == 4
    assert "gone" not in repr(result)


def test_each_device_may_get_a_message_of_its_own(fcm, server):
    fcm.send_each([("a", Push("for a")), ("b", Push("for b"))])
    sent = {body["message"]["token"]: body["message"]["notification"] for body in server.bodies}
    assert sent == {"a": {"title": "for a"}, "b": {"title": "for b"}}


def test_more_than_five_hundred_go_in_batches_in_order(make_settings, server):
    tokens = [f"device-{number}" for number in range(510)]
    server.answers["device-505"] = refusal(404, "NOT_FOUND", "UNREGISTERED")
    with closing(Fcm(make_settings(fcm_timeout=20_000))) as fcm:
        result = fcm.send_many(HELLO, tokens)
    assert [each.token for each in result.results] == tokens
    assert (result.accepted, result.invalid_tokens) == (509, ["device-505"])
    # Without a token fetched beforehand, each of the 500 threads would ask for one.
    assert server.token_calls == 1


def test_nobody_is_no_call(fcm, server):
    assert fcm.send_many(HELLO, []).results == []
    assert server.bodies == []


def test_when_not_one_message_was_taken_the_job_is_retried(fcm, server):
    for token in ("a", "b"):
        server.answers[token] = refusal(503, "UNAVAILABLE", Retry_After="7")
    with pytest.raises(FcmUnavailableError) as caught:
        fcm.send_many(HELLO, ["a", "b"])
    assert caught.value.retry_after == 7


def test_topics_are_subscribed_and_left(fcm, server):
    server.answers["gone"] = refusal(404, "NOT_FOUND", "UNREGISTERED")
    assert fcm.subscribe(["a", "gone"], "news") == {"gone": "UNREGISTERED"}
    assert fcm.unsubscribe(["a"], "news") == {}
    assert sorted(server.topics) == [("DELETE", "a"), ("POST", "a"), ("POST", "gone")]


def test_a_dry_run_is_asked_for_by_setting_or_by_call(make_settings, server):
    with closing(Fcm(make_settings(fcm_dry_run=True))) as fcm:
        fcm.send(HELLO, token="a")
        fcm.send_many(HELLO, ["b"])
        fcm.send(HELLO, token="c", dry_run=False)
    assert [body.get("validate_only", False) for body in server.bodies] == [True, True, False]


def test_a_slow_server_is_left_after_the_timeout(make_settings, server):
    release = threading.Event()

    def slow() -> Response:
        release.wait(2)
        return Response("{}")

    server.answers["device"] = slow
    with closing(Fcm(make_settings(fcm_timeout=200))) as fcm:
        begin = time.monotonic()
        with pytest.raises(FcmUnavailableError) as caught:
            fcm.send(HELLO, token="device")
        assert caught.value.code == "DEADLINE_EXCEEDED"
        assert time.monotonic() - begin < 1.5
    release.set()


def test_a_cut_connection_is_temporary(fcm, server):
    server.answers["device"] = Response(iter([b"{"]), 200, {"Content-Length": "4000"})
    with pytest.raises(FcmUnavailableError):
        fcm.send(HELLO, token="device")


def test_a_token_server_that_is_away_is_temporary(make_settings, server, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/token"
        settings = make_settings()
        write_account(tmp_path, account(server.server) | {"token_uri": url})
        with closing(Fcm(settings)) as fcm:
            for call in (fcm.send, lambda push, token: fcm.send_many(push, [token])):
                with pytest.raises(FcmUnavailableError, match="token server"):
                    call(HELLO, token="device")


def test_no_server_at_all_is_temporary(make_settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with closing(Fcm(make_settings(fcm_base_url=url))) as fcm:
            for call in (fcm.send, lambda push, token: fcm.send_many(push, [token])):
                with pytest.raises(FcmUnavailableError) as caught:
                    call(HELLO, token="device")
                assert caught.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("many", [False, True])
def test_a_key_that_google_refuses_is_permanent(make_settings, server, many):
    settings = make_settings()
    server.server.clear()
    refused = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    server.server.expect_request("/token").respond_with_json(refused, status=400)
    with (
        closing(Fcm(settings)) as fcm,
        pytest.raises(FcmRefusedError, match=r"fcm_auth\.json") as caught,
    ):
        fcm.send_many(HELLO, ["a"]) if many else fcm.send(HELLO, token="a")
    assert caught.value.code == "AUTH"


def test_what_firebase_admin_is_changed_in_is_still_there(fcm):
    from firebase_admin import messaging

    service = messaging._get_messaging_service(fcm._library.app)
    assert service._fcm_url.endswith(SEND)
    retries = service._client.session.get_adapter(service._fcm_url).max_retries
    assert (retries.connect, retries.read, retries.status) == (1, 0, 0)
    assert messaging._MessagingService.FCM_URL.startswith("https://fcm.googleapis.com/v1/projects/")
