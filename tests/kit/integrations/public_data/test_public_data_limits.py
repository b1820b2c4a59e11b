"""Public data: quota of the day, limit of the second, and going on after a crash."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from public_data_shapes import PATH, ROW, gateway, rows_json, service
from werkzeug import Response

from worker_payment.kit.engine import TemporaryError
from worker_payment.kit.integrations.public_data import (
    PublicDataUnavailableError,
    PublicRow,
    QuotaSpentError,
    ResultCode,
    Service,
)


class Trade(PublicRow):
    apt_nm: str


TRADES = Service(PATH, Trade)
SPENT = gateway("22", ResultCode.QUOTA_SPENT.text, "xml")
TOO_FAST = service("23", ResultCode.TOO_MANY_PER_SECOND.text, "json")
FINE = rows_json({"item": [ROW]})


def answers(httpserver, *bodies):
    """Answer with these, one after the other; the last one for ever."""
    left = list(bodies)

    def handler(request):
        body = left.pop(0) if len(left) > 1 else left[0]
        return body if isinstance(body, Response) else Response(body)

    httpserver.expect_request(PATH).respond_with_handler(handler)


def test_a_spent_quota_stops_every_replica_until_after_midnight(make_data, httpserver, clock):
    answers(httpserver, SPENT, FINE)
    with pytest.raises(QuotaSpentError) as caught:
        make_data().page(TRADES)
    assert caught.value.retry_after == 15 * 3600 + 60
    with pytest.raises(QuotaSpentError, match=PATH):
        make_data().page(TRADES)
    assert len(httpserver.log) == 1
    clock.now += timedelta(seconds=caught.value.retry_after)
    assert len(make_data().page(TRADES).rows) == 1


def test_a_spent_quota_concerns_one_operation_and_one_key(data, httpserver):
    answers(httpserver, SPENT, FINE)
    httpserver.expect_request("/other/op").respond_with_data(FINE)
    with pytest.raises(QuotaSpentError):
        data.page(TRADES)
    assert data.page(Service("/other/op", Trade)).rows
    assert data.page(TRADES, service_key="another").rows


def test_the_budget_of_a_day_is_shared_by_all_replicas(make_data, httpserver, clock):
    answers(httpserver, FINE)
    replicas = [make_data(daily_limit=4) for _ in range(2)]
    for number in range(4):
        replicas[number % 2].page(TRADES)
    for replica in replicas:
        with pytest.raises(QuotaSpentError, match="budget of 4 calls"):
            replica.page(TRADES)
    assert len(httpserver.log) == 4
    clock.now = datetime(2026, 1, 2, 0, 1, tzinfo=clock.now.tzinfo)
    replicas[0].page(TRADES)


def test_a_service_may_have_a_budget_of_its_own(data, httpserver):
    answers(httpserver, FINE)
    small = Service(PATH, Trade, daily_limit=1)
    data.page(small)
    with pytest.raises(QuotaSpentError):
        data.page(small)
    assert data.page(Service(PATH, Trade, daily_limit=0)).rows


@pytest.mark.parametrize(
    ("limit", "wait"),
    [
        (TOO_FAST, 1.0),
        (Response("Too Many Requests", 429), 1.0),
        (Response("Too Many Requests", 429, {"Retry-After": "2"}), 2.0),
    ],
)
def test_the_limit_of_a_second_is_waited_for(data, httpserver, slept, limit, wait):
    answers(httpserver, limit, FINE)
    assert len(data.page(TRADES).rows) == 1
    assert slept == [pytest.approx(wait, abs=0.3)]


def test_a_limit_that_lasts_is_left_to_the_job(data, httpserver, slept):
    answers(httpserver, TOO_FAST)
    with pytest.raises(PublicDataUnavailableError) as caught:
        data.page(TRADES)
    assert (caught.value.code, caught.value.retry_after) == (ResultCode.TOO_MANY_PER_SECOND, 1.0)
    assert len(slept) == 2


def test_a_long_wait_is_left_to_the_job_and_holds_for_all_replicas(make_data, httpserver, slept):
    answers(httpserver, Response("", 429, {"Retry-After": "30"}), FINE)
    with pytest.raises(PublicDataUnavailableError) as caught:
        make_data(rate=100).page(TRADES)
    assert caught.value.retry_after == 30
    with pytest.raises(TemporaryError, match="are waiting"):
        make_data(rate=100).page(TRADES)
    assert slept == []


def three_pages(httpserver):
    """A data set of six rows in pages of two, numbered."""

    def handler(request):
        first = (int(request.args["pageNo"]) - 1) * 2
        return Response(rows_json([{"aptNm": str(first)}, {"aptNm": str(first + 1)}], 6))

    httpserver.expect_request(PATH).respond_with_handler(handler)


def names(pages):
    return [row.apt_nm for page in pages for row in page.rows]


def test_a_run_that_broke_off_goes_on_in_another_replica(make_data, httpserver):
    three_pages(httpserver)
    first, second, third = make_data().pages(TRADES, {"a": 1}, size=2)
    assert [each.number for each in (first, second, third)] == [1, 2, 3]
    state = json.loads(json.dumps(first.state))  # the crash comes while page 2 is dealt with
    assert names(make_data().pages(TRADES, {"a": 1}, size=2, after=state)) == ["2", "3", "4", "5"]
    assert names(make_data().pages(TRADES, {"a": 1}, size=2, after=third.state)) == []


@pytest.mark.parametrize("changed", [{"size": 3}, {"params": {"a": 2}}, {"after": {"page": 1}}])
def test_another_question_starts_from_the_first_page(make_data, httpserver, changed):
    three_pages(httpserver)
    question = {"params": {"a": 1}, "size": 2}
    state = next(make_data().pages(TRADES, **question)).state
    assert next(make_data().pages(TRADES, **question | {"after": state} | changed)).number == 1
