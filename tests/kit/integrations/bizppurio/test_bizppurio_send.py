"""Bizppurio: sending, with everything the vendor may answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from bizppurio_vendor import reply
from werkzeug import Response

from worker_payment.kit.engine import PermanentError, TemporaryError
from worker_payment.kit.integrations.bizppurio import (
    AlimTalk,
    BizppurioRefusedError,
    BizppurioUnavailableError,
    BizppurioUncertainError,
    Button,
    InvalidMessageError,
    Lms,
    Mms,
    ResultCode,
    Sms,
)

TO = "010-1234-5678"
API_CODES = [2000, *range(3000, 3014), 5000, 5001]


def test_an_sms_goes_out_in_the_vendors_shape(client, vendor):
    accepted = client.send(Sms("안녕하세요"), to=TO, refkey="job-1")
    assert vendor.messages == [
        {
            "account": "tester",
            "type": "sms",
            "from": "07000000000",
            "to": "01012345678",
            "refkey": "job-1",
            "content": {"sms": {"message": "안녕하세요"}},
        }
    ]
    assert accepted.messagekey == "190922175225820#ft000001"
    assert (accepted.refkey, accepted.repeated) == ("job-1", False)
    assert vendor.requests[0].headers["Content-Type"] == "application/json"


def test_alimtalk_carries_buttons_and_falls_back_to_sms(client, vendor):
    client.send(
        AlimTalk("remind", "내일입니다", buttons=(Button("보기", url_mobile="https://a.kr"),)),
        to=TO,
        refkey="job-1",
        fallback=[Lms("내일입니다", "알림"), Sms("내일")],
        userinfo="sales",
    )
    sent = vendor.messages[0]
    assert sent["type"] == "at"
    assert sent["content"]["at"] == {
        "senderkey": "k" * 40,
        "templatecode": "remind",
        "message": "내일입니다",
        "button": [{"name": "보기", "type": "WL", "url_mobile": "https://a.kr"}],
    }
    assert sent["resend"] == {"first": "lms", "second": "sms"}
    assert sent["recontent"]["lms"] == {"message": "내일입니다", "subject": "알림"}
    assert sent["recontent"]["sms"] == {"message": "내일"}
    assert sent["userinfo"] == "sales"


def test_an_alimtalk_with_a_picture_is_of_type_ai(client, vendor):
    client.send(AlimTalk("remind", "내일", image=True), to=TO, refkey="job-1")
    assert (vendor.messages[0]["type"], list(vendor.messages[0]["content"])) == ("ai", ["ai"])


def test_a_scheduled_message_names_its_time_in_unix_seconds(client, vendor):
    when = datetime.now(UTC) + timedelta(days=1)
    client.send(Sms("내일"), to=TO, refkey="job-1", send_at=when)
    assert vendor.messages[0]["sendtime"] == str(int(when.timestamp()))


def test_a_picture_is_uploaded_and_sent(client, vendor):
    vendor.replies = [Response('{"filekey": " 0920msg_123"}', content_type="application/json")]
    key = client.upload(b"\xff\xd8picture", "cat.jpg")
    upload = vendor.requests[0]
    assert key == "0920msg_123"
    assert upload.form["account"] == "tester"
    assert upload.files["file"].filename == "cat.jpg"
    assert upload.files["file"].mimetype == "image/jpeg"
    client.send(Mms((key,), "고양이"), to=TO, refkey="job-1")
    assert vendor.messages[0]["content"]["mms"] == {
        "message": "고양이",
        "file": [{"type": "IMG", "key": key}],
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"to": "12"}, "recipient"),
        ({"to": "0101234567a"}, "recipient"),
        ({"sender": "0" * 17}, "sender"),
        ({"refkey": ""}, "refkey"),
        ({"refkey": "가"}, "refkey"),
        ({"refkey": "r" * 33}, "refkey"),
        ({"userinfo": "u" * 51}, "userinfo"),
        ({"fallback": [Sms("a")] * 2}, "same kind"),
        ({"fallback": [Sms("a"), AlimTalk("c", "a")]}, "second fallback"),
        ({"fallback": [Sms("a"), Lms("a"), Mms(("a",))]}, "at most two"),
        ({"fallback": [AlimTalk("c", "a", image=True)]}, "picture"),
        ({"send_at": datetime(2100, 1, 1, tzinfo=UTC)}, "30 days"),
        ({"send_at": datetime(2020, 1, 1, tzinfo=UTC)}, "future"),
        ({"send_at": datetime(2100, 1, 1)}, "time zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_broken_request_never_leaves(client, vendor, changed, reason):
    with pytest.raises(InvalidMessageError, match=reason):
        client.send(Sms("a"), **{"to": TO, "refkey": "job-1"} | changed)
    assert vendor.issued == 0


@pytest.mark.parametrize("picture", [b"GIF89a", b"\xff\xd8" + bytes(300 * 1024)])
def test_a_picture_that_breaks_the_rules_never_leaves(client, vendor, picture):
    with pytest.raises(InvalidMessageError):
        client.upload(picture)
    assert vendor.issued == 0


def test_alimtalk_without_a_sender_key_is_refused(make_client):
    client = make_client(bizppurio_msg_sender_key=None)
    with pytest.raises(InvalidMessageError, match="BIZPPURIO_MSG_SENDER_KEY"):
        client.send(AlimTalk("c", "a"), to=TO, refkey="job-1")


def test_a_retried_job_does_not_send_its_message_again(make_client, vendor):
    first = make_client().send(Sms("한 번만"), to=TO, refkey="job-1")
    again = make_client().send(Sms("한 번만"), to=TO, refkey="job-1")
    assert len(vendor.messages) == 1
    assert (again.messagekey, again.repeated) == (first.messagekey, True)


def test_another_message_under_the_same_refkey_is_refused(client, vendor):
    client.send(Sms("하나"), to=TO, refkey="job-1")
    with pytest.raises(InvalidMessageError, match="another message"):
        client.send(Sms("둘"), to=TO, refkey="job-1")
    assert len(vendor.messages) == 1


def test_remembering_can_be_switched_off(make_client, vendor):
    client = make_client(bizppurio_msg_remember_hours=0)
    for _ in range(2):
        assert not client.send(Sms("두 번"), to=TO, refkey="job-1").repeated
    assert len(vendor.messages) == 2


@pytest.mark.parametrize("code", API_CODES)
def test_every_documented_code_is_permanent_or_temporary(client, vendor, code):
    vendor.replies = [reply(400, code, "no")] * 2
    permanent = ResultCode.find(code).permanent
    with pytest.raises(BizppurioRefusedError if permanent else BizppurioUnavailableError) as caught:
        client.send(Sms("a"), to=TO, refkey="job-1")
    assert caught.value.code is ResultCode.find(code)
    assert isinstance(caught.value, PermanentError | TemporaryError)
    assert not isinstance(caught.value, BizppurioUncertainError)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(500, 9000, "unknown"), BizppurioUnavailableError),
        (reply(502, 5003), BizppurioUncertainError),
        (reply(503, 5004), BizppurioUnavailableError),
        (Response("<html>", 502), BizppurioUncertainError),
        (Response("<html>", 503, {"Retry-After": "7"}), BizppurioUnavailableError),
        (Response("<html>", 404), BizppurioRefusedError),
        (Response("<html>", 200), BizppurioUncertainError),
        (reply(200, 8888), BizppurioUncertainError),
    ],
)
def test_unforeseen_answers_are_sorted_by_their_status(client, vendor, answer, kind):
    vendor.replies = [answer]
    with pytest.raises(kind) as caught:
        client.send(Sms("a"), to=TO, refkey="job-1")
    assert type(caught.value) is kind
    if "Retry-After" in answer.headers:
        assert caught.value.retry_after == 7


def test_a_short_limit_is_waited_for(client, vendor):
    limits = {"RateLimit_Limit": "1000", "RateLimit_Remaining": "0", "RateLimit_Reset": "0.299"}
    vendor.replies = [reply(429, 5002, "too many requests", **limits)] * 2
    begin = time.monotonic()
    client.send(Sms("a"), to=TO, refkey="job-1")
    assert len(vendor.messages) == 1
    assert 0.55 < time.monotonic() - begin < 3


def test_a_short_limit_that_lasts_is_left_to_the_job(client, vendor):
    vendor.replies = [reply(429, 5002, "too many requests", RateLimit_Reset="0.01")] * 4
    with pytest.raises(BizppurioUnavailableError, match="too many") as caught:
        client.send(Sms("a"), to=TO, refkey="job-1")
    assert caught.value.retry_after == 0.01


def test_a_long_limit_is_left_to_the_job(client, vendor):
    vendor.replies = [reply(429, 5002, "too many requests", RateLimit_Reset="30")]
    with pytest.raises(BizppurioUnavailableError, match="too many") as caught:
        client.send(Sms("a"), to=TO, refkey="job-1")
    assert caught.value.retry_after == 30
    assert caught.value.code is ResultCode.RATE_LIMITED


@pytest.mark.parametrize(("headers", "after"), [({}, None), ({"Retry_After": "9"}, 9.0)])
def test_a_limit_without_reset_is_left_to_the_job(client, vendor, headers, after):
    vendor.replies = [reply(429, 5002, "too many requests", **headers)]
    with pytest.raises(BizppurioUnavailableError) as caught:
        client.send(Sms("a"), to=TO, refkey="job-1")
    assert caught.value.retry_after == after


def test_a_limit_that_one_replica_met_holds_for_all(make_client, vendor):
    first, second = make_client(bizppurio_msg_rate=1000), make_client(bizppurio_msg_rate=1000)
    second.send(Sms("a"), to=TO, refkey="job-0")
    vendor.replies = [reply(429, 5002, RateLimit_Reset="30")]
    with pytest.raises(BizppurioUnavailableError):
        first.send(Sms("a"), to=TO, refkey="job-1")
    with pytest.raises(TemporaryError, match="are waiting") as caught:
        second.send(Sms("a"), to=TO, refkey="job-2")
    assert 25 < caught.value.retry_after <= 30
    assert len(vendor.messages) == 1


def test_the_rate_holds_for_all_replicas_together(make_client, vendor):
    clients = [make_client(bizppurio_msg_rate=50) for _ in range(3)]
    clients[0].send(Sms("a"), to=TO, refkey="warm")
    begin = time.monotonic()

    def work(number: int) -> None:
        for each in range(8):
            clients[number].send(Sms("a"), to=TO, refkey=f"job-{number}-{each}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vendor.messages) == 25
    assert time.monotonic() - begin > 23 / 50


def test_a_slow_server_leaves_it_open_whether_the_message_was_taken(make_client, vendor):
    client = make_client(bizppurio_msg_timeout=200)
    client.transport.tokens.get()
    release = threading.Event()

    def slow() -> Response:
        release.wait(2)
        return reply(200, 1000)

    vendor.replies = [slow]
    begin = time.monotonic()
    with pytest.raises(BizppurioUncertainError, match="ReadTimeout"):
        client.send(Sms("a"), to=TO, refkey="job-1")
    assert time.monotonic() - begin < 1.5
    release.set()


def test_a_cut_connection_leaves_it_open_whether_the_message_was_taken(client, vendor):
    client.transport.tokens.get()
    vendor.replies = [Response(iter([b'{"code": 10']), 200, {"Content-Length": "4000"})]
    with pytest.raises(BizppurioUncertainError, match="RemoteProtocolError"):
        client.send(Sms("a"), to=TO, refkey="job-1")


def test_no_server_at_all_is_temporary_and_certain(make_client):
    with socket.socket() as probe:  # bound and not listening: nobody else gets the port
        probe.bind(("127.0.0.1", 0))
        client = make_client(bizppurio_msg_base_url=f"http://127.0.0.1:{probe.getsockname()[1]}")
        with pytest.raises(BizppurioUnavailableError, match="ConnectError") as caught:
            client.send(Sms("a"), to=TO, refkey="job-1")
    assert not isinstance(caught.value, BizppurioUncertainError)


def test_reports_are_polled_and_confirmed(client, vendor):
    row = {
        "device": "SMS",
        "cmsgid": "201027134355944sms027420servqer0",
        "msgid": "1027se_SL4676027383600490148",
        "phone": "01000000000",
        "media": "SMS",
        "unixtime": "1603773837",
        "result": "4100",
        "refkey": "test1234",
    }
    found = {"code": "1000", "description": "success", "report": [row, {"msgid": "odd"}]}
    body = json.dumps(found)
    vendor.replies = [Response(body, content_type="application/json")]
    reports = client.poll_reports()
    assert [(each.refkey, each.delivered) for each in reports] == [("test1234", True)]
    client.confirm_reports(reports)
    assert vendor.requests[-1].get_json() == {
        "account": "tester",
        "msgid": [{"msgid": "1027se_SL4676027383600490148"}],
    }
    client.request_report("190922175225820#ft")
    assert vendor.requests[-1].get_json()["messagekey"] == "190922175225820#ft"


def test_errors_tell_no_secret_and_no_personal_data(client, vendor):
    vendor.replies = [reply(400, 2000, "01012345678 s3cret")]
    with pytest.raises(BizppurioRefusedError) as caught:
        client.send(Sms("비밀"), to=TO, refkey="job-1")
    for text in ("01012345678", "s3cret", "비밀", *vendor.tokens):
        assert text not in str(caught.value)
        assert text not in repr(client.transport.tokens.get())
