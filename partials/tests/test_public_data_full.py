"""Public data: the trades of a month are collected page by page, and go on after a crash."""

from __future__ import annotations

import json

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from {{ package_name }}.kit import PayloadError
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


def answer(request: Request) -> Response:
    """Five trades in pages of two, as the service sends them."""
    page, size = int(request.args["pageNo"]), int(request.args["numOfRows"])
    first, last = (page - 1) * size, min(page * size, 5)
    rows = [TRADE | {"floor": number} for number in range(first, last)]
    header = {"resultCode": "000", "resultMsg": "OK"}
    body = {"items": {"item": rows}, "numOfRows": size, "pageNo": page, "totalCount": 5}
    text = json.dumps({"response": {"header": header, "body": body}})
    return Response(text, content_type="application/json")


@pytest.fixture(autouse=True)
def service(worker, monkeypatch, httpserver: HTTPServer, tmp_path):
    """A service of the test's own; what is stored goes with the test."""
    httpserver.expect_request(public_data.TRADES.path).respond_with_handler(answer)
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_BASE_URL", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_SERVICE_KEY", "key")
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_RATE", "0")
    monkeypatch.setattr(public_data, "FOLDER", tmp_path)
    monkeypatch.setattr(public_data, "PAGE_SIZE", 2)
    return httpserver


def pages(folder):
    return sorted(path.name for path in folder.glob("11680-202601/*"))


def test_all_pages_are_stored_in_a_worker(worker, service, tmp_path):
    collect.enqueue(PAYLOAD)
    assert worker.drain()[0].result == {"pages": 3, "rows": 5}
    assert pages(tmp_path) == ["page-0001.jsonl", "page-0002.jsonl", "page-0003.jsonl"]
    first = (tmp_path / "11680-202601" / "page-0001.jsonl").read_text().splitlines()
    row = json.loads(first[0])
    assert (row["aptNm"], row["dealAmount"], row["jibun"]) == ("은마", 245000, None)
    asked = service.log[0][0].args
    assert (asked["LAWD_CD"], asked["DEAL_YMD"]) == ("11680", "202601")


def test_after_a_crash_the_unfinished_page_is_collected_again(
    worker, service, tmp_path, monkeypatch
):
    stored = public_data.store

    def crash(payload, page):
        if page.number == 2:
            raise OSError("the disk is full")
        stored(payload, page)

    monkeypatch.setattr(public_data, "store", crash)
    with pytest.raises(OSError, match="disk"):
        worker.run(collect, PAYLOAD)
    monkeypatch.setattr(public_data, "store", stored)
    assert worker.run(collect, PAYLOAD) == {"pages": 2, "rows": 3}
    assert len(pages(tmp_path)) == 3
    assert [request.args["pageNo"] for request, _ in service.log] == ["1", "2", "2", "3"]


def test_the_same_page_twice_replaces_itself(worker, tmp_path):
    for _ in range(2):
        assert worker.run(collect, PAYLOAD) == {"pages": 3, "rows": 5}
    assert len(pages(tmp_path)) == 3


@pytest.mark.parametrize("wrong", [{"district": "../etc"}, {"month": "202613"}])
def test_a_wrong_payload_is_refused_by_the_name_of_its_field(worker, wrong):
    with pytest.raises(PayloadError, match=next(iter(wrong))):
        worker.run(collect, {"district": "11680", "month": "202601"} | wrong)
