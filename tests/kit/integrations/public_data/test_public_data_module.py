"""Public data as a module: its variables in both spellings, its check, its cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from worker_payment.kit.config import SettingsError, load_settings
from worker_payment.kit.integrations import public_data as module
from worker_payment.kit.integrations.public_data import (
    PublicDataSettings,
    public_data,
)
from worker_payment.kit.integrations.public_data.client import (
    _services_url,
)
from worker_payment.kit.integrations.public_data.module import PublicDataModule


@pytest.fixture(autouse=True)
def no_env_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    yield
    module.close()


@pytest.mark.parametrize("spelling", ["GOVERMENT", "GOVERNMENT"])
def test_both_spellings_are_read(monkeypatch, spelling):
    monkeypatch.setenv(f"{spelling}_KOREA_DATA_BASE_URL", "https://example.kr")
    monkeypatch.setenv(f"{spelling}_KOREA_DATA_TIMEOUT", "1234")
    monkeypatch.setenv(f"{spelling}_KOREA_DATA_SERVICE_KEY", "s3rvice-key")
    settings = PublicDataSettings()
    assert (settings.base_url, settings.timeout) == ("https://example.kr", 1234)
    assert "s3rvice-key" not in repr(settings)


def test_the_originals_variables_suffice(monkeypatch):
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_BASE_URL", "https://data.go.kr")
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_TIMEOUT", "10000")
    assert PublicDataSettings().service_key is None


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://data.go.kr", "https://apis.data.go.kr"),
        ("http://www.data.go.kr/", "https://apis.data.go.kr/"),
        ("https://api.odcloud.kr/api", "https://api.odcloud.kr/api"),
    ],
)
def test_the_portals_address_leads_to_its_services(given, used):
    assert _services_url(given) == used


def test_wrong_variables_are_named(monkeypatch):
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_TIMEOUT", "soon")
    monkeypatch.setenv("GOVERNMENT_KOREA_DATA_BASE_URL", "nowhere")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "GOVERMENT_KOREA_DATA_TIMEOUT" in str(caught.value)
    assert "KOREA_DATA_BASE_URL" in str(caught.value)


def test_the_check_reaches_the_gateway(monkeypatch, httpserver):
    monkeypatch.setenv("GOVERMENT_KOREA_DATA_BASE_URL", httpserver.url_for("/x"))
    httpserver.expect_request("/x/").respond_with_data("", status=404)
    assert "no service key" in PublicDataModule().check()
    httpserver.clear()
    httpserver.expect_request("/x/").respond_with_data("", status=503)
    with pytest.raises(ConnectionError, match="503"):
        PublicDataModule().check()


def test_the_process_has_one_client(monkeypatch, redis_url):
    monkeypatch.setenv("REDIS_URL", redis_url)
    first = public_data()
    assert public_data() is first
    module.close()
    assert public_data() is not first


def test_the_module_costs_nothing_before_it_is_used():
    code = f"import {module.__name__}.module, sys; print('httpx' in sys.modules)"
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == "False"
