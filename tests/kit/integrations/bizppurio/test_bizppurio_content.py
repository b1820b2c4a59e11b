"""Bizppurio: lengths and rules are checked before anything is sent."""

from __future__ import annotations

import pytest

from worker_payment.kit.engine import PermanentError
from worker_payment.kit.integrations.bizppurio import (
    AlimTalk,
    Button,
    InvalidMessageError,
    Lms,
    Mms,
    Sms,
    euc_kr_bytes,
    refkey_for,
)


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("abc", 3), ("가나다", 6), ("A가", 3), ("똠방각하", 8), ("\n", 1)]
)
def test_a_korean_letter_counts_two_bytes(text, length):
    assert euc_kr_bytes(text) == length


def test_a_character_outside_euc_kr_is_named_by_its_number():
    with pytest.raises(InvalidMessageError, match=r"U\+1F600 at position 2"):
        Sms("안녕\U0001f600")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sms("가" * 45),
        lambda: Lms("가" * 1000, subject="가" * 32),
        lambda: Mms(("key",) * 3, "가" * 1000),
        lambda: AlimTalk("c" * 32, "가" * 1000, "k" * 40, title="가" * 50),
        lambda: AlimTalk("code", "\U0001f600", "k", (Button("b", url_mobile="https://a.kr"),) * 5),
        lambda: Button("a", "AL", scheme_ios="a://", scheme_android="a://"),
        lambda: Button("a", "DS"),
    ],
)
def test_the_longest_that_is_allowed_passes(make):
    assert make().as_json()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Sms("가" * 45 + "a"), "message has 91 bytes"),
        (lambda: Sms("  "), "message is empty"),
        (lambda: Lms("가" * 1000 + "a"), "message has 2001 bytes"),
        (lambda: Lms("a", subject="가" * 33), "subject has 66 bytes"),
        (lambda: Mms(()), "1 to 3 files"),
        (lambda: Mms(("a",) * 4), "1 to 3 files"),
        (lambda: Mms(("a" * 41,)), "file key has 41"),
        (lambda: Mms(("a",), "가" * 1001), "2002 bytes"),
        (lambda: AlimTalk("c", "a" * 1001), "message has 1001 characters"),
        (lambda: AlimTalk("c" * 33, "a"), "template code has 33"),
        (lambda: AlimTalk("", "a"), "template code is empty"),
        (lambda: AlimTalk("c", "a", "k" * 41), "sender key has 41"),
        (lambda: AlimTalk("c", "a", title="a" * 51), "title has 51"),
        (lambda: AlimTalk("c", "a", buttons=(Button("b", "BK"),) * 6), "6 buttons"),
        (lambda: AlimTalk("c", "a", quick_replies=(Button("b", "BK"),) * 11), "11 quick"),
        (lambda: Button("b"), "url_mobile"),
        (lambda: Button("b", "AL", url_mobile="https://a.kr"), "needs two of"),
        (lambda: Button("b", "wl"), "two capitals"),
        (lambda: Button("b" * 29, "BK"), "button name has 29"),
    ],
)
def test_what_breaks_a_rule_is_refused_for_good(make, reason):
    with pytest.raises(InvalidMessageError, match=reason) as caught:
        make()
    assert isinstance(caught.value, PermanentError)


def test_what_is_copied_from_a_web_page_can_be_sent_to_a_phone():
    """Blanks that do not break, dashes, the won sign, marks that nobody sees."""
    copied = "\ufeff주문\u00a0A\u20131\u200b:\u00a0\u20a912,000 \u2022 3\u301c5일"
    shown = "주문 A-1: \uffe612,000 \u00b7 3\uff5e5일"
    assert (
        Sms(copied).message == Lms(copied, copied).subject == Mms(("k",), copied).message == shown
    )
    assert AlimTalk("c", copied).message == copied  # as its template has it
    with pytest.raises(InvalidMessageError, match=r"U\+1F600"):
        Sms("\U0001f600")


def test_content_does_not_show_personal_data():
    shown = repr([Sms("비밀"), Lms("비밀", "비밀"), AlimTalk("code", "비밀", "비밀")])
    assert "비밀" not in shown
    assert "code" in shown


@pytest.mark.parametrize("job_id", ["a", "x" * 32, "x" * 33, "x" * 200, "주문-1"])
@pytest.mark.parametrize("part", ["", "buyer", "판매자"])
def test_a_refkey_fits_the_vendor_and_is_the_same_every_time(job_id, part):
    refkey = refkey_for(job_id, part)
    assert refkey == refkey_for(job_id, part)
    assert 1 <= len(refkey) <= 32
    assert refkey.isascii()


def test_refkeys_of_different_jobs_and_parts_differ():
    jobs = ["x" * 40 + "1", "x" * 40 + "2", "a"]
    keys = [refkey_for(job, part) for job in jobs for part in ("", "b", "c")]
    assert len(set(keys)) == 9
