"""`S3_CONFIG`, as the original writes it and with what is new."""

from __future__ import annotations

import json
import re

import pytest

from worker_payment.kit.config.fields import describe_errors
from worker_payment.kit.integrations.s3 import S3Client, close_s3, s3
from worker_payment.kit.integrations.s3.settings import S3Settings

ORIGINAL = {
    "region": "ap-northeast-2",
    "bucket": "worker-files",
    "accessKeyId": "key",
    "secretAccessKey": "hidden-value",
}


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Read settings from this variable alone."""
    monkeypatch.chdir(tmp_path)

    def read(value):
        monkeypatch.setenv("S3_CONFIG", value if isinstance(value, str) else json.dumps(value))
        return S3Settings().s3_config

    return read


def test_the_original_variable_is_understood(read):
    config = read(ORIGINAL)
    assert (config.region, config.bucket) == ("ap-northeast-2", "worker-files")
    assert config.access_key_id == "key"
    assert "hidden-value" not in repr(config)


def test_keys_may_be_left_out(read):
    assert read({"region": "auto", "bucket": "worker-files"}).secret_access_key is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{", "S3_CONFIG: .*not valid JSON"),
        ({"bucket": "worker-files"}, "S3_CONFIG.region: is missing"),
        (ORIGINAL | {"bucket": "a/b"}, "S3_CONFIG.bucket: "),
        (ORIGINAL | {"accessKeyId": None}, "S3_CONFIG: .*both accessKeyId and secretAccessKey"),
        (ORIGINAL | {"endpoint": "rustfs:9000"}, "S3_CONFIG.endpoint: "),
        (ORIGINAL | {"prefix": "a/../b"}, "S3_CONFIG.prefix: "),
        (ORIGINAL | {"serverSideEncryption": "rot13"}, "S3_CONFIG.serverSideEncryption: "),
        (ORIGINAL | {"kmsKeyId": "k"}, "S3_CONFIG: .*kmsKeyId needs"),
        (ORIGINAL | {"timeout": 0}, "S3_CONFIG.timeout: "),
    ],
)
def test_what_is_wrong_is_named_and_the_secret_is_not(read, value, told):
    with pytest.raises(ValueError, match=r".") as caught:
        read(value)
    text = describe_errors([(S3Settings, caught.value)])
    assert re.search(told, text)
    assert "hidden-value" not in text


def test_one_client_serves_the_whole_process_until_it_is_closed(read):
    read(ORIGINAL)
    first = s3()
    assert isinstance(first, S3Client)
    assert s3() is first
    close_s3()
    assert s3() is not first
    close_s3()
