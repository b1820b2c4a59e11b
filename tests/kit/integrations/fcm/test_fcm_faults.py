"""Files, certificates and addresses as they go wrong, and what errors may not repeat."""

from __future__ import annotations

import json
import traceback
import unicodedata

import pytest
from fcm_server import PROJECT, SEND, account, write_account
from werkzeug import Response

from integrations.network import Answers, Authority
from worker_payment.kit.config import SettingsError
from worker_payment.kit.integrations.fcm import (
    Fcm,
    FcmRefusedError,
    InvalidTokenError,
    Push,
)
from worker_payment.kit.integrations.fcm.account import read_account

PUSH = Push("title", "body")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_key_with_a_byte_order_mark_is_read(make_settings, server, encoding):
    settings = make_settings()
    path = settings.fcm_auth_json_dir / "fcm_auth.json"
    path.write_bytes(json.dumps(account(server.server)).encode(encoding))
    assert read_account(settings).project_id == PROJECT


@pytest.mark.parametrize("encoding", ["utf-16", "cp949"])
def test_a_key_in_another_encoding_names_the_cure(make_settings, server, encoding):
    settings = make_settings()
    content = json.dumps(account(server.server) | {"note": "한글"}, ensure_ascii=False)
    (settings.fcm_auth_json_dir / "fcm_auth.json").write_bytes(content.encode(encoding))
    with pytest.raises(SettingsError, match=r"fcm_auth\.json is not UTF-8 text: save it as UTF-8"):
        read_account(settings)


def test_a_token_is_in_no_error_of_its_message(fcm, server):
    """FCM repeats the value that it does not accept."""
    token = "device-token-of-kim"
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [
                {"field": "message.token", "description": f"Invalid registration: {token}"}
            ],
        }
    ]
    error = {"code": 400, "message": f"bad {token}", "status": "INVALID_ARGUMENT"}
    body = json.dumps({"error": error | {"details": details}})
    server.answers[token] = Response(body, 400, content_type="application/json")
    with pytest.raises(InvalidTokenError, match="INVALID_ARGUMENT") as caught:
        fcm.send(PUSH, token=token)
    (result,) = fcm.send_many(PUSH, [token]).results
    shown = "".join(traceback.format_exception(caught.value)) + repr(result)
    assert token not in shown.replace(f'token = "{token}"', "")


def test_decomposed_hangul_is_composed_for_people_and_left_for_the_app(fcm, server):
    apart = unicodedata.normalize("NFD", "각")
    fcm.send(Push(apart, apart, data={"name": apart}), token="device")
    message = server.bodies[0]["message"]
    assert message["notification"] == {"title": "각", "body": "각"}
    assert message["data"] == {"name": apart}


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("where", ["messages", "tokens"])
def test_a_certificate_that_is_not_trusted_is_permanent(
    make_settings, server, authority, where, tmp_path
):
    secure = Answers(tls=authority.server_context())
    changed = {"fcm_base_url": secure.url} if where == "messages" else {}
    settings = make_settings(**changed)
    if where == "tokens":
        write_account(tmp_path, account(server.server) | {"token_uri": f"{secure.url}/token"})
    client = Fcm(settings)
    try:
        with pytest.raises(FcmRefusedError, match="certificate is not trusted"):
            client.send(PUSH, token="device")
    finally:
        client.close()
        secure.close()


def test_a_server_that_redirects_is_permanent(make_settings, server):
    """The library would follow a 301 and repeat the POST as a GET."""
    plain = Answers()
    plain.tell(301, Location=f"{plain.url}{SEND}")
    client = Fcm(make_settings(fcm_base_url=plain.url))
    try:
        with pytest.raises(FcmRefusedError, match="the server redirects; is FCM_BASE_URL right"):
            client.send(PUSH, token="device")
        assert len(plain.asked) == 1
    finally:
        client.close()
        plain.close()
