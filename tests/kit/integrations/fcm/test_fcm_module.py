"""FCM as a module: a key that cannot be used is a clear error before the first job."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fcm_server import account, private_key, refusal, write_account

from worker_payment.kit.config import SettingsError
from worker_payment.kit.integrations import fcm as module
from worker_payment.kit.integrations.fcm.module import FcmModule


@pytest.fixture(autouse=True)
def settings(monkeypatch, server, tmp_path):
    """The variables of the process, and no client left from before."""
    monkeypatch.setenv("FCM_AUTH_JSON_DIR", str(tmp_path))
    monkeypatch.setenv("FCM_BASE_URL", server.server.url_for("").rstrip("/"))
    module.close()
    yield
    module.close()


def test_the_check_has_a_message_checked(server, tmp_path):
    write_account(tmp_path, account(server.server))
    assert FcmModule().check() == "project worker-test takes messages"
    assert server.bodies[0]["validate_only"] is True


def test_the_check_says_when_the_key_may_not_send(server, tmp_path):
    write_account(tmp_path, account(server.server))
    server.answers["topic"] = refusal(403, "PERMISSION_DENIED")
    with pytest.raises(module.FcmRefusedError, match="PERMISSION_DENIED"):
        FcmModule().check()


def test_a_good_key_lets_the_worker_start(server, tmp_path):
    write_account(tmp_path, account(server.server))
    FcmModule().start()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("{", "is not valid JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "service_account"),
        ({"type": "authorized_user"}, "service_account"),
        ({"project_id": ""}, "lacks project_id"),
        ({"client_email": None, "token_uri": 1}, "lacks client_email, token_uri"),
        ({"private_key": "s3cret-garbage"}, "no RSA key"),
        ({"private_key": private_key()[:400]}, "no RSA key"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_and_not_shown(server, tmp_path, change, problem):
    content = change if isinstance(change, str) else account(server.server) | change
    write_account(tmp_path, content)
    with pytest.raises(SettingsError, match=problem) as caught:
        FcmModule().start()
    assert str(caught.value).startswith("FCM_AUTH_JSON_DIR: ")
    assert "fcm_auth.json" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_missing_and_an_unreadable_key_are_told_apart(tmp_path):
    with pytest.raises(SettingsError, match="does not exist"):
        FcmModule().start()
    (tmp_path / "fcm_auth.json").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        FcmModule().start()


def test_a_key_that_is_no_text_is_named(tmp_path):
    (tmp_path / "fcm_auth.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        FcmModule().start()


def test_the_module_costs_nothing_before_it_is_used():
    code = f"import {module.__name__}.module, sys; print('firebase_admin' in sys.modules)"
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == "False"
