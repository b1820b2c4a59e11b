"""Bizppurio: every documented code has a meaning, and reports are read in both shapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from worker_payment.kit.integrations.bizppurio import (
    InvalidReportError,
    Outcome,
    ResultCode,
    parse_report,
)

PUSHED = {
    "DEVICE": "SMS",
    "CMSGID": "201027134355944sms027420servqer0",
    "MSGID": "1027se_SL4676027383600490148",
    "PHONE": "01000000000",
    "MEDIA": "SMS",
    "UNIXTIME": "1603773837",
    "RESULT": "4100",
    "USERDATA": "daoutech",
    "WAPINFO": "SKT",
    "REFKEY": "smstest00001",
}


def test_every_documented_code_is_known():
    documented = [1000, 2000, *range(3000, 3014), *range(5000, 5006), 9000]
    documented += [4100, *range(4400, 4406), *range(4410, 4415), *range(4420, 4429)]
    documented += [*range(4430, 4437), *range(6600, 6634), 6670, 7000, 7101, 7103]
    documented += [*range(7105, 7111), 7203, 7204, 7300, 7305, 7306, 7308, 7311, 7314, 7315]
    documented += [7318, 7322, 7323, 7324, 7421]
    assert [code for code in documented if ResultCode.find(code) is None] == []
    assert ResultCode.find("0000") is None


def test_a_code_is_found_as_number_and_as_text_and_says_what_it_means():
    assert ResultCode.find(3002) is ResultCode.find(" 3002 ") is ResultCode.TOKEN_INVALID
    assert str(ResultCode.TOKEN_INVALID) == "3002 (the token is not valid)"
    assert len({each.code for each in ResultCode}) == len(ResultCode)


def test_accepted_is_not_delivered():
    delivered = [each for each in ResultCode if each.outcome is Outcome.DELIVERED]
    assert [each.code for each in delivered] == ["4100", "6600", "7000"]
    assert ResultCode.ACCEPTED.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(2000, True), (3007, True), (3008, False), (4410, True), (4401, False), (7204, True)],
)
def test_codes_say_whether_trying_again_is_pointless(code, permanent):
    assert ResultCode.find(code).permanent is permanent


@pytest.mark.parametrize("shape", [dict, json.dumps, lambda each: json.dumps(each).encode()])
def test_a_pushed_report_is_read(shape):
    report = parse_report(shape(PUSHED))
    assert report.delivered
    assert report.refkey == "smstest00001"
    assert report.messagekey == "201027134355944sms027420servqer0"
    assert report.time == datetime(2020, 10, 27, 4, 43, 57, tzinfo=UTC)
    assert (report.media, report.carrier, report.userinfo) == ("SMS", "SKT", "daoutech")
    assert "01000000000" not in repr(report)


def test_the_manuals_misspelt_keys_are_read_too():
    values = {key: value for key, value in PUSHED.items() if key != "UNIXTIME"}
    assert parse_report(values | {"UNIXTME": "1603773837"}).time is not None


def test_a_fallback_that_arrived_counts_as_delivered():
    report = parse_report(PUSHED | {"MEDIA": "KAT", "RESULT": "7308", "TELRES": "4100"})
    assert report.code is ResultCode.KAKAO_NUMBER
    assert report.fallback_code is ResultCode.SMS_DELIVERED
    assert report.delivered
    assert not report.worth_retrying


@pytest.mark.parametrize(
    ("result", "worth"), [("4401", True), ("4410", False), ("7305", False), ("1234", False)]
)
def test_a_report_says_whether_sending_again_is_worth_it(result, worth):
    report = parse_report(PUSHED | {"RESULT": result})
    assert not report.delivered
    assert report.worth_retrying is worth
    assert report.result == result


@pytest.mark.parametrize("broken", ["{", "[]", "{}", {"CMSGID": "a"}, b"\xff"])
def test_what_is_no_report_is_refused(broken):
    with pytest.raises(InvalidReportError):
        parse_report(broken)
