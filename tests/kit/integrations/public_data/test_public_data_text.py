"""Encodings, control characters and keys in the answers of services."""

from __future__ import annotations

import json
import traceback
import unicodedata

import pytest
from public_data_shapes import PATH, ROW, bare, rows_json, rows_xml
from pydantic import field_validator

from integrations.network import Answers, Authority
from worker_payment.kit.integrations import vendor_http
from worker_payment.kit.integrations.public_data import (
    CommaInt,
    PublicDataRefusedError,
    PublicDataRowError,
    PublicRow,
    Service,
)


class Trade(PublicRow):
    apt_nm: str
    deal_amount: CommaInt


TRADES = Service(PATH, Trade)
ITEM = "<item><aptNm>{}</aptNm><dealAmount>245,000</dealAmount></item>"


def xml(name: str, encoding: str, said: str) -> bytes:
    text = rows_xml(f"<items>{ITEM.format(name)}</items>").replace('"UTF-8"', f'"{said}"')
    return text.encode(encoding)


def as_json(name: str, encoding: str) -> bytes:
    return json.dumps(json.loads(rows_json([ROW | {"aptNm": name}])), ensure_ascii=False).encode(
        encoding
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (xml("은마", "cp949", "EUC-KR"), "application/xml"),
        (xml("은마", "cp949", "ks_c_5601-1987"), "text/xml"),
        (xml("은마", "cp949", "MS949"), "text/xml"),
        (xml("은마", "cp949", "UTF-8"), "text/xml"),
        (xml("은마", "utf-8", "EUC-KR"), "text/xml;charset=EUC-KR"),
        (xml("은마", "utf-16", "UTF-16"), "text/xml"),
        (as_json("은마", "cp949"), "application/json"),
        (as_json("은마", "cp949"), "application/json; charset=EUC-KR"),
        (as_json("은마", "cp949"), 'application/json; charset="utf-8"'),
        (as_json("은마", "utf-8"), "application/json; charset=EUC-KR"),
        (as_json("은마", "utf-8-sig"), "application/json"),
    ],
)
def test_every_encoding_is_read_however_it_is_declared(data, httpserver, body, kind):
    httpserver.expect_request(PATH).respond_with_data(body, content_type=kind)
    assert [row.apt_nm for row in data.page(TRADES).rows] == ["은마"]


@pytest.mark.parametrize("name", ["뷁 아파트", "힣", "치"])
def test_letters_beyond_euc_kr_and_letters_that_look_like_utf_8(data, httpserver, name):
    body = xml(name, "cp949", "EUC-KR").replace("은마".encode("cp949"), b"")
    httpserver.expect_request(PATH).respond_with_data(body, content_type="text/xml")
    assert [row.apt_nm for row in data.page(TRADES).rows] == [name]


@pytest.mark.parametrize("raw", ["\t", "\x01", "\n", "\x1f"])
def test_control_characters_do_not_make_an_answer_unreadable(data, httpserver, raw):
    text = as_json("은@마", "utf-8").decode().replace("@", raw)
    httpserver.expect_request(PATH).respond_with_data(text)
    (row,) = data.page(TRADES).rows
    assert row.apt_nm == f"은{raw}마"
    httpserver.clear()
    httpserver.expect_request(PATH).respond_with_data(xml(f"은{raw}마", "utf-8", "UTF-8"))
    (row,) = data.page(TRADES).rows
    assert row.apt_nm.replace(raw, "") == "은마"


def test_decomposed_hangul_in_a_question_is_composed(data, httpserver):
    httpserver.expect_request(PATH).respond_with_data(rows_json([ROW]))
    data.page(TRADES, {"umdNm": unicodedata.normalize("NFD", "대치동")})
    assert httpserver.log[0][0].args["umdNm"] == "대치동"


@pytest.mark.parametrize("key", ["key+with/signs==", "key%2Bwith%2Fsigns%3D%3D"])
def test_a_service_that_repeats_the_question_puts_no_key_into_an_error(make_data, httpserver, key):
    said = "INVALID serviceKey=key+with/signs== key%2Bwith%2Fsigns%3D%3D 이름=홍길동 a.kim@b.co"
    httpserver.expect_request(PATH).respond_with_data(bare("777", said, "json"))
    with pytest.raises(PublicDataRefusedError, match="777 INVALID") as caught:
        make_data(service_key=key).page(TRADES, {"name": "홍길동"})
    shown = "".join(traceback.format_exception(caught.value)).split("errors.PublicData")[-1]
    for secret in ("key+with", "key%2Bwith", "홍길동", "a.kim"):
        assert secret not in shown


def test_a_key_that_cannot_be_sent_is_in_no_traceback(make_data):
    client = make_data(base_url="http://127.0.0.1:1")
    with pytest.raises(Exception, match=r"127\.0\.0\.1") as caught:
        client.page(Service("http://127.0.0.1:99999/x", Trade))
    assert "with/signs" not in "".join(traceback.format_exception(caught.value))


def test_what_an_own_validator_says_of_a_value_is_not_repeated(data, httpserver):
    class Careful(PublicRow):
        apt_nm: str

        @field_validator("apt_nm")
        @classmethod
        def _known(cls, value: str) -> str:
            raise ValueError(f"unknown: {value}")

    httpserver.expect_request(PATH).respond_with_data(rows_json([ROW]))
    with pytest.raises(PublicDataRowError, match="aptNm: value_error") as caught:
        data.page(Service(PATH, Careful))
    assert "은마" not in str(caught.value)


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize(
    ("context", "trusted", "reason"),
    [
        ("server_context", False, "self-signed|unable to get local issuer"),
        ("expired_context", True, "certificate has expired"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_permanent(
    make_data, authority, monkeypatch, context, trusted, reason
):
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    vendor_http._trust.cache_clear()
    server = Answers(tls=getattr(authority, context)())
    try:
        with pytest.raises(PublicDataRefusedError, match=reason):
            make_data(base_url=server.url).page(TRADES)
    finally:
        server.close()
        vendor_http._trust.cache_clear()


def test_http_where_https_is_meant_is_permanent(make_data, authority):
    """The server redirects, or it speaks TLS and does not understand; and the other way round."""
    plain, secure = Answers(), Answers(tls=authority.server_context())
    try:
        plain.tell(301, Location=f"{secure.url}/")
        with pytest.raises(PublicDataRefusedError, match="redirects to https: use https"):
            make_data(base_url=plain.url).page(TRADES)
        with pytest.raises(PublicDataRefusedError, match="the port speaks no TLS"):
            make_data(base_url=plain.url.replace("http:", "https:")).page(TRADES)
        vendor_http._trust.cache_clear()
    finally:
        plain.close()
        secure.close()
