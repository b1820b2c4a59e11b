"""`FTP_CONFIG`, as the original writes it and with what is new."""

from __future__ import annotations

import json
import re

import pytest

from worker_payment.kit.config.fields import describe_errors
from worker_payment.kit.integrations.ftp import (
    FtpClient,
    close_ftp,
    ftp,
)
from worker_payment.kit.integrations.ftp.settings import FtpSettings

ORIGINAL = {
    "host": "127.0.0.1",
    "port": 21,
    "user": "worker",
    "password": "hidden-value",
    "secure": False,
    "basePath": "/upload",
}


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Read settings from this variable alone."""
    monkeypatch.chdir(tmp_path)

    def read(value):
        monkeypatch.setenv("FTP_CONFIG", value if isinstance(value, str) else json.dumps(value))
        return FtpSettings().ftp_config

    return read


def test_the_original_variable_is_understood(read):
    config = read(ORIGINAL)
    assert (config.host, config.port, config.user) == ("127.0.0.1", 21, "worker")
    assert config.password.get_secret_value() == "hidden-value"
    assert config.base_path == "/upload"
    assert "hidden-value" not in repr(config)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{", "FTP_CONFIG: .*not valid JSON"),
        ({"port": 21}, "FTP_CONFIG.host: is missing"),
        (ORIGINAL | {"port": 0}, "FTP_CONFIG.port: "),
        (ORIGINAL | {"basePath": "/a/../b"}, "FTP_CONFIG.basePath: "),
        (ORIGINAL | {"basePath": "/a\r\nDELE x"}, "FTP_CONFIG.basePath: "),
        (ORIGINAL | {"caFile": "/nonexistent"}, "FTP_CONFIG.caFile: "),
        (ORIGINAL | {"encoding": "utf-99"}, "FTP_CONFIG.encoding: "),
        (ORIGINAL | {"timeout": 0}, "FTP_CONFIG.timeout: "),
    ],
)
def test_what_is_wrong_is_named_and_the_password_is_not(read, value, told):
    with pytest.raises(ValueError, match=r".") as caught:
        read(value)
    text = describe_errors([(FtpSettings, caught.value)])
    assert re.search(told, text)
    assert "hidden-value" not in text


def test_one_client_serves_the_whole_process_until_it_is_closed(read):
    read(ORIGINAL)
    first = ftp()
    assert isinstance(first, FtpClient)
    assert ftp() is first
    close_ftp()
    assert ftp() is not first
    close_ftp()
