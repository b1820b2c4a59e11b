"""All rows or an error: totals, page numbers and shapes that services get wrong."""

from __future__ import annotations

import json

import pytest
from public_data_shapes import PATH, ROW, rows_json
from werkzeug import Response

from worker_payment.kit.integrations.public_data import (
    CommaInt,
    PublicDataIncompleteError,
    PublicDataPagingError,
    PublicDataRowError,
    PublicRow,
    Service,
)


class Trade(PublicRow):
    apt_nm: str
    deal_amount: CommaInt
    floor: int | None = None


TRADES = Service(PATH, Trade)
SEVEN = [ROW | {"floor": number} for number in range(7)]


def answered(items: object, total: int | None) -> Response:
    body = {"items": {"item": items} if items else ""}
    body |= {} if total is None else {"totalCount": total}
    return Response(json.dumps({"response": {"header": {"resultCode": "00"}, "body": body}}))


def serve(httpserver, most=3, *, total=None, rows=SEVEN, beyond="empty", ignores=False, gap=0):
    """Serve rows by pages of at most `most`, with the faults that services have."""

    def answer(request):
        number = 1 if ignores else int(request.args["pageNo"])
        size = min(most, int(request.args["numOfRows"]))
        last = -(-len(rows) // size)
        if number > last and beyond == "no data":
            return Response('{"response": {"header": {"resultCode": "03", "resultMsg": "NO"}}}')
        if number > last and beyond == "last":
            number = last
        found = [] if number == gap else rows[(number - 1) * size : number * size]
        return answered(found, total)

    httpserver.expect_request(PATH).respond_with_handler(answer)


def floors(data, size=100) -> list[int | None]:
    return [row.floor for row in data.rows(TRADES, size=size)]


@pytest.mark.parametrize("beyond", ["empty", "no data", "last"])
@pytest.mark.parametrize("size", [3, 100])
def test_without_a_total_all_rows_come(data, httpserver, beyond, size):
    """Also from a service that sends fewer rows than asked for: a short page is not the end."""
    serve(httpserver, beyond=beyond)
    assert floors(data, size) == list(range(7))


def test_without_a_total_one_page_of_few_rows_is_asked_for_once_more(data, httpserver):
    serve(httpserver, most=100)
    assert floors(data) == list(range(7))
    assert len(httpserver.log) == 2


@pytest.mark.parametrize("total", [None, 7])
@pytest.mark.parametrize("size", [3, 100])
def test_a_service_that_ignores_its_page_number_is_refused(data, httpserver, total, size):
    serve(httpserver, total=total, ignores=True)
    with pytest.raises(PublicDataPagingError, match="page 2 holds the rows of an earlier page"):
        floors(data, size)
    assert len(httpserver.log) == 2


@pytest.mark.parametrize("beyond", ["empty", "no data"])
def test_an_empty_page_before_the_end_says_what_is_missing(data, httpserver, beyond):
    serve(httpserver, total=7, gap=2, beyond=beyond)
    with pytest.raises(PublicDataIncompleteError, match="3 of 7 rows came, page 2 is empty"):
        floors(data, 3)


@pytest.mark.parametrize("beyond", ["empty", "no data"])
def test_a_total_that_is_not_reached_says_what_is_missing(data, httpserver, beyond):
    serve(httpserver, total=9, beyond=beyond)
    with pytest.raises(PublicDataIncompleteError, match="7 of 9 rows came, page 4 is empty"):
        floors(data, 3)


def test_a_page_that_must_have_rows_and_has_none_is_an_error(data, httpserver):
    serve(httpserver, total=7, gap=1)
    with pytest.raises(PublicDataIncompleteError, match="there are 7 rows"):
        data.page(TRADES)


def test_a_run_that_is_resumed_knows_what_it_has_seen(make_data, httpserver):
    """Another replica finds the gap that the first one would have found."""
    serve(httpserver, total=7, gap=3)
    pages = make_data().pages(TRADES, size=3)
    second = [next(pages), next(pages)][1]
    with pytest.raises(PublicDataIncompleteError, match="6 of 7"):
        list(make_data().pages(TRADES, size=3, after=second.state))


@pytest.mark.parametrize(
    "body",
    [
        {"items": {"row": [ROW]}},
        {"list": [ROW], "totalCount": 1},
        {"items": {"item": [ROW], "count": 1}},
        [ROW],
    ],
)
def test_rows_under_another_name_are_read(data, httpserver, body):
    found = {"response": {"header": {"resultCode": "00"}, "body": body}}
    httpserver.expect_request(PATH).respond_with_data(json.dumps(found))
    assert [row.apt_nm for row in data.page(TRADES).rows] == ["은마"]


def test_rows_beside_the_result_code_are_read(data, httpserver):
    found = {"resultCode": "00", "resultMsg": "OK", "items": [ROW], "totalCount": 1}
    httpserver.expect_request(PATH).respond_with_data(json.dumps(found))
    assert [row.apt_nm for row in data.page(TRADES).rows] == ["은마"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"items": "은마"}, "a str"),
        ({"items": [["은마"]]}, "a list of list"),
        ({"items": ["은마", 3]}, "a list of int, str"),
        ({"a": [ROW], "b": [ROW]}, "a, b"),
        ({"result": {"deep": {"rows": [ROW]}}}, "result"),
        ("은마", "a str"),
    ],
)
def test_rows_in_no_known_shape_are_an_error_that_names_what_is_there(
    data, httpserver, body, found
):
    answer = {"response": {"header": {"resultCode": "00"}, "body": body}}
    httpserver.expect_request(PATH).respond_with_data(json.dumps(answer))
    with pytest.raises(PublicDataRowError, match=f"no known shape: there is {found}") as caught:
        data.page(TRADES)
    assert "은마" not in str(caught.value)


def test_a_total_without_rows_is_no_success(data, httpserver):
    httpserver.expect_request(PATH).respond_with_data(rows_json("", 7))
    with pytest.raises(PublicDataIncompleteError, match="0 of 7"):
        list(data.rows(TRADES))
