"""Bizppurio core: AlimTalk templates."""

from __future__ import annotations

import json

import pytest
from werkzeug import Response

from support import NOBODY
from worker_payment.kit.integrations.bizppurio import (
    BizppurioCore,
    BizppurioRefusedError,
    BizppurioSettings,
    BizppurioUnavailableError,
    CoreCredentials,
)

ONE = {
    "templateCode": "remind_01",
    "templateName": "예약 알림",
    "templateContent": "#{이름}님, 내일입니다.",
    "inspectionStatus": "APR",
    "status": "A",
    "buttons": [{"name": "보기", "linkType": "WL"}],
    "securityFlag": False,
}


@pytest.fixture
def make_core(httpserver):
    made = []

    def make(**changed):
        values = {
            "bizppurio_core_base_url": httpserver.url_for("").rstrip("/"),
            "bizppurio_core_biz_id": "tester",
            "bizppurio_core_api_key": "k3y",
            "bizppurio_core_timeout": 500,
            "bizppurio_msg_id": "tester",
            "bizppurio_msg_password": "s3cret",
            "bizppurio_msg_sender_key": "profile",
        }
        made.append(BizppurioCore(BizppurioSettings(_env_file=None, **values | changed)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_one_template_is_read(make_core, httpserver):
    expected = {"bizId": "tester", "apiKey": "k3y", "senderKey": "profile", "senderKeyType": "S"}
    httpserver.expect_request(
        "/alimtalk/template", method="POST", json=expected | {"templateCode": "remind_01"}
    ).respond_with_json({"code": "200", "message": "성공", "data": ONE})
    template = make_core().template("remind_01")
    assert template.template_name == "예약 알림"
    assert template.sendable
    assert template.model_extra == {"securityFlag": False}


def test_the_list_is_read_page_by_page(make_core, httpserver):
    def page(request):
        number = request.get_json()["page"]
        rows = [ONE | {"templateCode": f"t{number}-{row}", "serviceStatus": "ACT"} for row in "ab"]
        data = {"list": rows, "totalCount": 6, "totalPage": 3, "currentPage": number}
        return Response(json.dumps({"code": "200", "data": data}), content_type="application/json")

    httpserver.expect_request("/alimtalk/templates", method="POST").respond_with_handler(page)
    found = list(make_core().templates(page_size=2))
    assert " ".join(each.template_code for each in found) == "t1-a t1-b t2-a t2-b t3-a t3-b"
    assert len(httpserver.log) == 3
    assert "templateCode" not in httpserver.log[0][0].get_json()


def test_totals_beside_the_data_and_a_bare_list_are_understood(make_core, httpserver):
    answer = {"code": "200", "data": [ONE], "totalCount": "1", "totalPage": "1"}
    httpserver.expect_request("/alimtalk/templates").respond_with_json(answer)
    page = make_core().templates_page(1)
    assert (page.total_count, page.total_pages, len(page.templates)) == (1, 1, 1)


@pytest.mark.parametrize("data", [{"list": []}, {"list": None}, [], None])
def test_an_empty_list_ends_the_paging(make_core, httpserver, data):
    answer = {"code": "200", "data": data}
    httpserver.expect_request("/alimtalk/templates").respond_with_json(answer)
    assert list(make_core().templates()) == []


def test_credentials_may_travel_with_the_call(make_core, httpserver):
    httpserver.expect_request("/alimtalk/template").respond_with_json({"code": "200", "data": ONE})
    core = make_core(bizppurio_core_biz_id=None, bizppurio_core_api_key=None)
    with pytest.raises(BizppurioRefusedError, match="BIZPPURIO_CORE_BIZ_ID"):
        core.template("remind_01")
    credentials = CoreCredentials("other", "0ther-key")
    core.template("remind_01", sender_key="group", key_type="G", credentials=credentials)
    sent = httpserver.log[0][0].get_json()
    assert (sent["bizId"], sent["senderKey"], sent["senderKeyType"]) == ("other", "group", "G")
    assert "0ther-key" not in repr(credentials)


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        ({"code": "403", "message": "접근 불가 IP"}, 200, BizppurioRefusedError),
        ({"code": "404", "message": "없음"}, 400, BizppurioRefusedError),
        ({"code": "500", "message": "오류"}, 200, BizppurioUnavailableError),
        ({"code": "200", "data": []}, 200, BizppurioRefusedError),
        ({"code": "200", "data": {"templateName": "x"}}, 200, BizppurioRefusedError),
        ({}, 503, BizppurioUnavailableError),
        ({}, 429, BizppurioUnavailableError),
        (["?"], 200, BizppurioUnavailableError),
    ],
)
def test_refusals_are_permanent_and_failures_temporary(make_core, httpserver, answer, status, kind):
    httpserver.expect_request("/alimtalk/template").respond_with_json(answer, status=status)
    with pytest.raises(kind) as caught:
        make_core().template("remind_01")
    assert "k3y" not in str(caught.value)


def test_without_a_base_url_the_call_says_so(make_core):
    with pytest.raises(BizppurioRefusedError, match="BIZPPURIO_CORE_BASE_URL"):
        make_core(bizppurio_core_base_url=None).template("remind_01")


def test_an_unreachable_core_is_temporary(make_core):
    core = make_core(bizppurio_core_base_url=f"http://127.0.0.1:{NOBODY}")
    with pytest.raises(BizppurioUnavailableError, match="ConnectError"):
        core.template("remind_01")
