"""Public data: the trades of a month are collected page by page, and go on after a crash."""

from __future__ import annotations

import json

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from {{ package_name }}.kit import PayloadError
from {{ package_name }}.kit.integrations.database import transaction
from {{ package_name }}.processors import public_data
from {{ package_name }}.processors.public_data import (
    CollectPayload,
    collect,
)

PAYLOAD = CollectPayload(district="11680", month="202601")
TRADE = {
    "aptNm": "은마",
    "umdNm": "대치동",
    "dealYear": 2026,
    "dealMonth": 1,
    "dealDay": 15,
    "dealAmount": "245,000",
    "excluUseAr": 76.79,
    "floor": 8,
    "cdealDay": " ",
}


total = [5]


def answer(request: Request) -> Response:
    """Trades in pages of two, as the service sends them."""
    page, size = int(request.args["pageNo"]), int(request.args["numOfRows"])
    first, last = (page - 1) * size, min(page * size, total[0])
    rows = [TRADE | {"floor": number} for number in range(first, last)]
    header = {"resultCode": "000", "resultMsg": "OK"}
    body = {"items": {"item": rows}, "numOfRows": size, "pageNo": page, "totalCount": total[0]}
    text = json.dumps({"response": {"header": header, "body": body}})
    return Response(text, content_type="application/json")


@pytest.fixture(autouse=True)
def service(worker, monkeypatch, httpserver: HTTPServer):
    """A service of the test's own."""
    total[0] = 5
    httpserver.expect_request(public_data.TRADES.path).respond_with_handler(answer)
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_BASE_URL", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_SERVICE_KEY", "key")
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_RATE", "0")
    monkeypatch.setattr(public_data, "PAGE_SIZE", 2)
    return httpserver


def stored():
    """Numbers and amounts of the rows."""
    with transaction() as session:
        column = public_data.apt_trades.c
        found = session.execute(select(column.number, column.amount).order_by(column.number))
        return [tuple(row) for row in found]


def test_all_pages_are_stored_in_a_worker(worker, service):
    collect.enqueue(PAYLOAD)
    assert worker.drain()[0].result == {"pages": 3, "rows": 5}
    assert stored() == [(number, 2_450_000_000) for number in range(5)]
    asked = service.log[0][0].args
    assert (asked["LAWD_CD"], asked["DEAL_YMD"]) == ("11680", "202601")


def test_after_a_crash_the_unfinished_page_is_collected_again(worker, service, monkeypatch):
    store = public_data.store

    def crash(payload, page):
        if page.number == 2:
            raise OSError("the machine is gone")
        store(payload, page)

    monkeypatch.setattr(public_data, "store", crash)
    with pytest.raises(OSError, match="machine"):
        worker.run(collect, PAYLOAD)
    assert len(stored()) == 2
    monkeypatch.setattr(public_data, "store", store)
    assert worker.run(collect, PAYLOAD) == {"pages": 2, "rows": 3}
    assert len(stored()) == 5
    assert [request.args["pageNo"] for request, _ in service.log] == ["1", "2", "2", "3"]


@pytest.mark.parametrize("later", [5, 6, 4, 1])
def test_collecting_again_replaces_what_is_there(worker, later):
    worker.run(collect, PAYLOAD)
    total[0] = later
    assert worker.run(collect, PAYLOAD)["rows"] == later
    assert [number for number, _ in stored()] == list(range(later))


@pytest.mark.parametrize("wrong", [{"district": "../etc"}, {"month": "202613"}])
def test_a_wrong_payload_is_refused_by_the_name_of_its_field(worker, wrong):
    with pytest.raises(PayloadError, match=next(iter(wrong))):
        worker.run(collect, {"district": "11680", "month": "202601"} | wrong)
