"""Texts and numbers as people give them, and templates that must be met to the letter."""

from __future__ import annotations

import json
import traceback
import unicodedata

import pytest
from pydantic import SecretStr
from werkzeug import Response

from integrations.network import Answers, Authority
from worker_payment.kit.integrations.bizppurio import (
    AlimTalk,
    BizppurioCore,
    BizppurioRefusedError,
    BizppurioUncertainError,
    Button,
    InvalidMessageError,
    Lms,
    Sms,
    euc_kr_bytes,
    parse_report,
)
from worker_payment.kit.integrations.bizppurio.approved import fits

TO = "01012345678"
APPROVED = "#{이름}님,\n내일 #{시각}에 예약이 있습니다.\n감사합니다."
SENT = "홍길동님,\n내일 10:30에 예약이 있습니다.\n감사합니다."


def apart(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_decomposed_hangul_is_composed_before_it_is_counted_and_sent(client, vendor):
    """Decomposed, 45 syllables are over 90 bytes, and none of their letters is in EUC-KR."""
    text = "각" * 45
    client.send(Sms(apart(text)), to=TO, refkey="1")
    client.send(Lms(apart(text), subject=apart("제목")), to=TO, refkey="2", userinfo=apart("부서"))
    button = Button(apart("가나다라마바사아자차카타파하" * 2), url_mobile="https://e.com")
    talk = AlimTalk("t", apart("각" * 1000), title=apart("각" * 50), buttons=(button,))
    client.send(talk, to=TO, refkey="3")
    sms, lms, at = vendor.messages
    assert sms["content"]["sms"]["message"] == text
    assert lms["content"]["lms"] == {"message": text, "subject": "제목"}
    assert lms["userinfo"] == "부서"
    assert at["content"]["at"]["message"] == "각" * 1000
    assert (
        at["content"]["at"]["button"][0]["name"]
        == button.name
        == unicodedata.normalize("NFC", button.name)
    )
    assert euc_kr_bytes(sms["content"]["sms"]["message"]) == 90


@pytest.mark.parametrize(
    "make",
    [
        lambda: AlimTalk("t", "#{이름}님, 안녕하세요."),
        lambda: AlimTalk("t", "안녕하세요.", title="#{이름}"),
        lambda: AlimTalk("t", "안녕하세요.", buttons=(Button("#{이름}", url_mobile="https://e"),)),
        lambda: Button("보기", url_mobile="https://e.com/#{이름}"),
        lambda: Button("보기", "AL", scheme_ios="app://#{이름}", scheme_android="app://x"),
        lambda: Sms("#{이름}님"),
        lambda: Lms("안녕하세요.", subject="#{이름}"),
    ],
)
def test_an_unfilled_variable_is_refused_before_the_call(make):
    with pytest.raises(InvalidMessageError, match=r"unfilled variable: #\{이름\}"):
        make()


@pytest.mark.parametrize(
    "text", [SENT.replace("\n", "\r\n"), SENT.replace("\n", "\r"), f"{SENT}\n\r\n"]
)
def test_line_breaks_are_those_of_templates(client, vendor, text):
    client.send(AlimTalk("t", text, title="제목\r\n"), to=TO, refkey="1")
    assert vendor.messages[0]["content"]["at"]["message"] == SENT
    assert vendor.messages[0]["content"]["at"]["title"] == "제목"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("+82 10-1234-5678", TO),
        ("+82-010-1234-5678", TO),
        ("+82 (0)10 1234 5678", TO),
        ("+821012345678", TO),
        ("\u202d010-1234-5678\u202c", TO),  # as telephones copy it
        ("\ufeff010-1234-5678\u200b", TO),
        ("82-10-1234-5678", TO),
        ("0082 10 1234 5678", TO),
        ("０１０－１２３４－５６７８", TO),
        ("＋８２ １０ １２３４ ５６７８", TO),
        ("010.1234.5678", TO),
        ("(010) 1234-5678", TO),
        ("010\u20111234\u20135678", TO),
        (" 010 1234\u00a05678 ", TO),
        ("02-123-4567", "021234567"),
        ("+82 2 123 4567", "021234567"),
        ("1588-1234", "15881234"),
        ("+82 1588-1234", "15881234"),
        ("0505-123-4567", "05051234567"),
    ],
)
def test_numbers_have_one_national_form(client, vendor, written, sent):
    client.send(Sms("a"), to=written, sender=written, refkey="1")
    assert (vendor.messages[0]["to"], vendor.messages[0]["from"]) == (sent, sent)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "kim",
        "+1 650-253-0000",
        "1012345678",
        "010-1234-567a",
        "010-1234-5678 ext 3",
        "0" * 11,
        "+82",
    ],
)
def test_what_is_no_number_is_refused_and_says_what_is_accepted(client, vendor, written):
    with pytest.raises(InvalidMessageError, match=r"010-1234-5678, \+82 10-1234-5678") as caught:
        client.send(Sms("a"), to=written, refkey="1")
    assert "kim" not in str(caught.value)
    assert "650" not in str(caught.value)
    assert vendor.messages == []


@pytest.mark.parametrize("written", ["+1 650-253-0000", "650.253.0000"])
def test_a_number_abroad_has_its_country(client, vendor, written):
    client.send(Sms("a"), to=written, country="1", refkey="1")
    assert (vendor.messages[0]["country"], vendor.messages[0]["to"]) == ("1", "6502530000")


@pytest.mark.parametrize(
    ("message", "fine"),
    [
        (SENT, True),
        (SENT.replace("감사", "고맙"), False),
        (SENT + " 추가", False),
        ("님,\n내일 에 예약이 있습니다.\n감사합니다.", True),
        (SENT.replace("\n", "\r\n") + "\n", True),
        (apart(SENT), True),
        (APPROVED.replace("\n", " "), False),
    ],
)
def test_a_message_is_its_template_with_the_variables_filled_in(message, fine):
    assert fits(message, APPROVED) is fine


def test_a_message_that_repeats_its_variable_is_compared_in_linear_time():
    assert not fits("가" * 1000 + "나", "#{a}가" * 200 + "다")


@pytest.fixture
def core(vendor):
    """What the core API says of templates; counts its calls."""
    asked: list[dict] = []
    reply = {"code": "200", "data": {"templateCode": "t", "templateContent": APPROVED}}

    def answer(request):
        asked.append(request.get_json())
        return Response(json.dumps(reply), content_type="application/json")

    vendor.server.expect_request("/alimtalk/template").respond_with_handler(answer)
    return asked, reply


@pytest.fixture
def comparing(make_client, vendor):
    return make_client(
        bizppurio_core_base_url=vendor.server.url_for("").rstrip("/"),
        bizppurio_core_biz_id="tester",
        bizppurio_core_api_key="k3y",
    )


def test_a_message_that_differs_from_its_template_is_refused_before_the_call(
    comparing, vendor, core
):
    comparing.send(AlimTalk("t", SENT), to=TO, refkey="1")
    with pytest.raises(InvalidMessageError, match=r"template t: it differs in line 3") as caught:
        comparing.send(AlimTalk("t", SENT.replace("감사", "고맙")), to=TO, refkey="2")
    assert "홍길동" not in str(caught.value)
    with pytest.raises(InvalidMessageError, match="line 1"):
        comparing.send(Sms("a"), to=TO, refkey="3", fallback=[AlimTalk("t", "other")])
    assert len(vendor.messages) == 1
    assert len(core[0]) == 1


def test_a_core_api_that_does_not_answer_keeps_no_message_back(comparing, vendor, core):
    core[1]["code"] = "500"
    for number in range(2):
        comparing.send(AlimTalk("t", "other"), to=TO, refkey=str(number))
    assert len(vendor.messages) == 2
    assert len(core[0]) == 1


def test_an_answer_without_code_and_key_is_no_success(client, vendor):
    vendor.replies = [Response('{"result": "ok"}', content_type="application/json")]
    with pytest.raises(BizppurioUncertainError, match="neither a code nor a message key"):
        client.send(Sms("a"), to=TO, refkey="1")


def test_an_answer_in_cp949_with_a_tab_is_read(client, vendor):
    body = '{"code": 1000, "description": "성\t공", "messagekey": "m", "refkey": "1"}'
    vendor.replies = [Response(body.encode("cp949"), content_type="application/json")]
    assert client.send(Sms("a"), to=TO, refkey="1").messagekey == "m"


def test_a_report_in_cp949_is_read():
    report = '{"CMSGID": "m", "RESULT": "4100", "USERDATA": "부\t서"}'.encode("cp949")
    assert parse_report(report).userinfo == "부\t서"


def test_the_core_api_repeats_no_credentials_in_an_error(comparing, vendor):
    said = "wrong apiKey k3y-long-secret of tester-1, call kim@example.com 010-1234-5678"
    vendor.server.expect_request("/alimtalk/template").respond_with_json(
        {"code": "401", "message": said}
    )
    changed = {
        "bizppurio_core_biz_id": "tester-1",
        "bizppurio_core_api_key": SecretStr("k3y-long-secret"),
    }
    settings = comparing._settings.model_copy(update=changed)
    core = BizppurioCore(settings)
    with pytest.raises(BizppurioRefusedError, match="401: wrong apiKey") as caught:
        core.template("t")
    core.close()
    shown = "".join(traceback.format_exception(caught.value)).split("errors.Bizppurio")[-1]
    for secret in ("k3y-long", "tester-1", "kim@", "1234-5678"):
        assert secret not in shown


def test_a_certificate_that_is_not_trusted_is_permanent(make_client, tmp_path):
    server = Answers(tls=Authority(tmp_path).server_context())
    try:
        client = make_client(bizppurio_msg_base_url=server.url)
        with pytest.raises(BizppurioRefusedError, match="certificate is not trusted"):
            client.send(Sms("a"), to=TO, refkey="1")
    finally:
        server.close()


def test_http_where_https_is_meant_is_permanent(make_client):
    server = Answers()
    server.tell(301, Location="https://api.bizppurio.com/v1/token")
    try:
        client = make_client(bizppurio_msg_base_url=server.url)
        with pytest.raises(BizppurioRefusedError, match="use https in the base URL"):
            client.send(Sms("a"), to=TO, refkey="1")
    finally:
        server.close()
