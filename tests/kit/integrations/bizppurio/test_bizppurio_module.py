"""Bizppurio as a module: its settings, its check, its place in a processor."""

from __future__ import annotations

import subprocess
import sys

import pytest
from bizppurio_vendor import FakeBizppurio

from worker_payment.kit.config import SettingsError, load_settings
from worker_payment.kit.engine import JobContext, Payload, processor
from worker_payment.kit.integrations import bizppurio as module
from worker_payment.kit.integrations.bizppurio import (
    Bizppurio,
    Sms,
    refkey_for,
)
from worker_payment.kit.integrations.bizppurio.module import BizppurioModule


@pytest.fixture
def settings(monkeypatch, vendor: FakeBizppurio, redis_url, prefix, tmp_path):
    """The variables of the process, and no client left from before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("APP_NAME", prefix)
    monkeypatch.setenv("BIZPPURIO_MSG_BASE_URL", vendor.server.url_for("/"))
    monkeypatch.setenv("BIZPPURIO_MSG_ID", "tester")
    monkeypatch.setenv("BIZPPURIO_MSG_PASSWORD", "s3cret")
    monkeypatch.setenv("BIZPPURIO_MSG_FROM", "07000000000")
    module.close()
    yield monkeypatch
    module.close()


def test_the_check_gets_a_token(settings):
    assert "token until" in BizppurioModule().check()


def test_the_check_names_the_reason_and_not_the_password(settings):
    settings.setenv("BIZPPURIO_MSG_PASSWORD", "wr0ng-password")
    with pytest.raises(Exception, match="3007") as caught:
        BizppurioModule().check()
    assert "wr0ng-password" not in str(caught.value)


def test_missing_and_wrong_variables_are_named_in_one_message(settings):
    settings.delenv("BIZPPURIO_MSG_ID")
    settings.setenv("BIZPPURIO_MSG_PASSWORD", "")
    settings.setenv("BIZPPURIO_MSG_TIMEOUT", "soon")
    settings.setenv("BIZPPURIO_MSG_BASE_URL", "api.bizppurio.com")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for name in ("MSG_ID", "MSG_PASSWORD", "MSG_TIMEOUT", "MSG_BASE_URL"):
        assert f"BIZPPURIO_{name}" in str(caught.value)


class NotePayload(Payload):
    phone: str


def test_a_processor_asks_for_it_by_type(settings, vendor):
    @processor
    def note(payload: NotePayload, context: JobContext, client: Bizppurio) -> str:
        refkey = refkey_for(context.job_id)
        return client.send(Sms("안녕"), to=payload.phone, refkey=refkey).messagekey

    payload = NotePayload(phone="01012345678")
    context = JobContext("job-1", "note", 1, 3, "queue", payload)
    assert note.run(context) == "190922175225820#ft000001"
    assert vendor.messages[0]["refkey"] == "job-1"


def test_the_module_costs_nothing_before_it_is_used():
    code = f"import {module.__name__}.module, sys; print('httpx' in sys.modules)"
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == "False"
