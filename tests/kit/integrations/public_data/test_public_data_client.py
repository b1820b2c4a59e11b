"""Public data: pages of typed rows, in every shape that the services send."""

from __future__ import annotations

import json
import socket
import threading
import time
from urllib.parse import parse_qs

import pytest
from public_data_shapes import PATH, ROW, bare, gateway, rows_json, rows_xml, service
from werkzeug import Response

from worker_payment.kit.engine import PermanentError, TemporaryError
from worker_payment.kit.integrations.public_data import (
    PER_PAGE,
    CommaInt,
    PublicDataRefusedError,
    PublicDataRowError,
    PublicDataUnavailableError,
    PublicRow,
    QuotaSpentError,
    ResultCode,
    Service,
    normalise_key,
)

KEY = "key+with/signs=="
ENCODED = "key%2Bwith%2Fsigns%3D%3D"


class Trade(PublicRow):
    apt_nm: str
    deal_amount: CommaInt
    floor: int | None = None
    cdeal_day: str | None = None


TRADES = Service(PATH, Trade)
ITEM_XML = (
    "<item><aptNm>은마</aptNm><dealAmount>245,000</dealAmount><floor>8</floor><cdealDay/></item>"
)


@pytest.mark.parametrize("key", [KEY, ENCODED, f" {ENCODED}\n", f'"{KEY}"'])
def test_an_encoded_and_a_decoded_key_arrive_the_same(make_data, httpserver, key):
    httpserver.expect_request(PATH).respond_with_data(rows_json({"item": [ROW]}))
    make_data(service_key=key).page(TRADES, {"LAWD_CD": "11680"})
    raw = httpserver.log[0][0].query_string.decode()
    assert parse_qs(raw) == {
        "serviceKey": [KEY],
        "LAWD_CD": ["11680"],
        "_type": ["json"],
        "pageNo": ["1"],
        "numOfRows": ["100"],
    }
    assert "%25" not in raw
    assert normalise_key(key) == KEY


def test_the_key_may_travel_with_the_call_and_must_come_from_somewhere(make_data, httpserver):
    httpserver.expect_request(PATH).respond_with_data(rows_json("", 0))
    keyless = make_data(service_key=None)
    keyless.page(TRADES, service_key="other")
    assert httpserver.log[0][0].args["serviceKey"] == "other"
    with pytest.raises(PublicDataRefusedError, match="GOVERMENT_KOREA_DATA_SERVICE_KEY"):
        keyless.page(TRADES)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (rows_json({"item": [ROW, ROW]}, 2), 2),
        (rows_json({"item": ROW}), 1),
        (rows_json([ROW]), 1),
        (rows_json(ROW), 1),
        (rows_json("", 0), 0),
        (rows_json(None, 0), 0),
        (rows_json([], 0), 0),
        (rows_json({"item": ""}, 0), 0),
        (rows_json({}, 0), 0),
        (rows_json("", 0, code="03"), 0),
        (rows_xml(f"<items>{ITEM_XML}{ITEM_XML}</items>", 2), 2),
        (rows_xml(f"<items>{ITEM_XML}</items>"), 1),
        (rows_xml("<items/>", 0), 0),
        (rows_xml("", 0), 0),
        ("\ufeff  " + rows_xml(f"<items>{ITEM_XML}</items>"), 1),
        (service("03", "NODATA_ERROR", "xml"), 0),
        (service("03", "NODATA_ERROR", "json"), 0),
        (json.dumps({"header": {"resultCode": 0}, "body": {"items": [ROW], "totalCount": 1}}), 1),
    ],
)
def test_rows_are_read_whatever_their_shape(data, httpserver, body, count):
    httpserver.expect_request(PATH).respond_with_data(body)
    page = data.page(TRADES)
    assert page.total == count
    assert page.rows == [Trade(apt_nm="은마", deal_amount=245000, floor=8)] * count


def test_a_row_that_does_not_fit_its_model_is_permanent_and_names_the_field(data, httpserver):
    odd = ROW | {"dealAmount": "비밀"}
    httpserver.expect_request(PATH).respond_with_data(rows_json({"item": [odd]}))
    with pytest.raises(PublicDataRowError, match="dealAmount") as caught:
        data.page(TRADES)
    assert "비밀" not in str(caught.value)


def test_pages_come_one_by_one_until_all_rows_are_seen(data, httpserver):
    def answer(request):
        number = int(request.args["pageNo"])
        rows = [ROW | {"floor": number}] * (2 if number != 3 else 1)
        return Response(rows_json({"item": rows}, 5))

    httpserver.expect_request(PATH).respond_with_handler(answer)
    pages = data.pages(TRADES, size=2)
    assert next(pages).number == 1
    assert len(httpserver.log) == 1
    assert [(page.number, len(page.rows), page.total) for page in pages] == [(2, 2, 5), (3, 1, 5)]
    assert len(list(data.rows(TRADES, size=2))) == 5


def test_a_service_that_sends_fewer_rows_than_asked_for_is_read_to_its_end(data, httpserver):
    def answer(request):
        rows = [ROW | {"floor": int(request.args["pageNo"])}] * 10
        return Response(rows_json({"item": rows}, 30))

    httpserver.expect_request(PATH).respond_with_handler(answer)
    assert len(list(data.rows(TRADES, size=1000))) == 30
    assert len(httpserver.log) == 3


def test_without_a_total_a_short_page_after_a_full_one_is_the_last(data, httpserver):
    def answer(request):
        rows = [ROW] * (2 if request.args["pageNo"] == "1" else 1)
        found = {"header": {"resultCode": "00"}, "body": {"items": rows}}
        return Response(json.dumps({"response": found}))

    httpserver.expect_request(PATH).respond_with_handler(answer)
    assert len(list(data.rows(TRADES, size=2))) == 3


def test_odcloud_pages_with_names_of_its_own(data, httpserver):
    rows = [{"aptNm": "은마", "dealAmount": 1}]
    body = {"page": 1, "perPage": 10, "totalCount": 9, "matchCount": 1, "data": rows}
    httpserver.expect_request("/api/1/v1").respond_with_json(body)
    url = httpserver.url_for("/api/1/v1")
    found = list(data.pages(Service(url, Trade, paging=PER_PAGE, options={}), size=10))
    assert [(page.total, len(page.rows)) for page in found] == [(1, 1)]
    assert set(httpserver.log[0][0].args) == {"page", "perPage", "serviceKey"}


@pytest.mark.parametrize("code", list(ResultCode), ids=lambda code: code.code)
@pytest.mark.parametrize("shape", ["xml", "json"])
@pytest.mark.parametrize("kind", [gateway, service, bare])
def test_every_error_in_every_shape_is_permanent_or_temporary(data, httpserver, kind, shape, code):
    httpserver.expect_request(PATH).respond_with_data(kind(code.code, code.text, shape))
    if code.outcome in ("success", "empty"):
        assert data.page(TRADES).rows == []
        return
    expected = PublicDataRefusedError if code.outcome == "permanent" else PublicDataUnavailableError
    with pytest.raises(expected) as caught:
        data.page(TRADES)
    assert caught.value.code is code
    assert isinstance(caught.value, PermanentError | TemporaryError)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "status", "code", "permanent"),
    [
        ("SERVICE KEY IS NOT REGISTERED ERROR.", 200, ResultCode.KEY_UNKNOWN, True),
        ("SERVICE_KEY_IS_NOT_REGISTERED_ERROR", 401, ResultCode.KEY_UNKNOWN, True),
        ("Unauthorized", 401, None, True),
        ("Forbidden", 403, None, True),
        ("API not found", 404, None, True),
        ("Unexpected errors", 500, None, False),
        ("<html>Bad Gateway</html>", 502, None, False),
        ("", 200, None, False),
        ("{", 200, None, False),
        ("[]", 200, None, False),
        ("<a><b></a>", 200, None, False),
        ('{"code": -401, "msg": "유효하지 않은 인증키 입니다."}', 401, None, True),
        ('{"resultCode": "INFO-300", "resultMsg": "no"}', 200, None, True),
    ],
)
def test_unreadable_answers_are_sorted_by_text_and_status(
    data, httpserver, body, status, code, permanent
):
    httpserver.expect_request(PATH).respond_with_data(body, status=status)
    with pytest.raises(PermanentError if permanent else TemporaryError) as caught:
        data.page(TRADES)
    assert caught.value.code is code


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">{}]><a>&i;</a>""".format(
    "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("bcdefgh", "cdefghi", strict=True))
)


@pytest.mark.parametrize(
    "body", [BOMB, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>']
)
def test_an_entity_bomb_is_not_unpacked(data, httpserver, body):
    httpserver.expect_request(PATH).respond_with_data(body)
    begin = time.monotonic()
    with pytest.raises(PublicDataUnavailableError, match="nothing readable"):
        data.page(TRADES)
    assert time.monotonic() - begin < 1


def test_a_slow_server_is_left_after_the_timeout(make_data, httpserver):
    release = threading.Event()

    def slow(request):
        release.wait(2)
        return Response(rows_json(""))

    httpserver.expect_request(PATH).respond_with_handler(slow)
    with pytest.raises(PublicDataUnavailableError, match="ReadTimeout") as caught:
        make_data(timeout=100).page(TRADES)
    release.set()
    assert KEY not in str(caught.value)


def test_a_server_that_drips_is_left_after_the_timeout(make_data, httpserver):
    def drip(request):
        return Response(time.sleep(0.03) or " " for _ in range(100))

    httpserver.expect_request(PATH).respond_with_handler(drip)
    begin = time.monotonic()
    with pytest.raises(PublicDataUnavailableError, match="too long"):
        make_data(timeout=200).page(TRADES)
    assert time.monotonic() - begin < 1.5


def test_a_cut_answer_is_temporary(data, httpserver):
    httpserver.expect_request(PATH).respond_with_handler(
        lambda _: Response(iter(["{"]), 200, {"Content-Length": "4000"})
    )
    with pytest.raises(PublicDataUnavailableError, match="RemoteProtocolError"):
        data.page(TRADES)


def test_no_server_at_all_is_temporary(make_data):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        data = make_data(base_url=f"http://127.0.0.1:{probe.getsockname()[1]}")
        with pytest.raises(PublicDataUnavailableError, match="ConnectError") as caught:
            data.page(TRADES)
    assert not isinstance(caught.value, QuotaSpentError)
