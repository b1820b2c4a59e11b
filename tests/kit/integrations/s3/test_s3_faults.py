"""What breaks: keys, rights, lines, servers that are busy."""

from __future__ import annotations

import time
import traceback
import unicodedata
from urllib.parse import quote

import pytest

from integrations.network import Answers, Authority
from worker_payment.kit.integrations.s3 import (
    S3Client,
    S3KeyError,
    S3NotFoundError,
    S3RefusedError,
    S3SizeError,
    S3UnavailableError,
)
from worker_payment.kit.integrations.s3.settings import S3Config

ERROR = "<Error><Code>{}</Code><Message>because</Message></Error>"


@pytest.fixture(scope="module")
def told(connect, answers) -> S3Client:
    """A client of the server that answers as it is told."""
    return connect(answers.url, forcePathStyle=True)


@pytest.fixture(scope="module")
def without_checksums(connect, answers) -> S3Client:
    """Another that is to send none."""
    return connect(answers.url, forcePathStyle=True, checksum=None)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "InvalidArgument", S3RefusedError),
        (403, "AccessDenied", S3RefusedError),
        (403, "InvalidAccessKeyId", S3RefusedError),
        (403, "SignatureDoesNotMatch", S3RefusedError),
        (403, "RequestTimeTooSkewed", S3RefusedError),
        (404, "NoSuchKey", S3NotFoundError),
        (404, "NoSuchBucket", S3RefusedError),
        (412, "PreconditionFailed", S3RefusedError),
        (400, "ExpiredToken", S3UnavailableError),
        (400, "RequestTimeout", S3UnavailableError),
        (409, "OperationAborted", S3UnavailableError),
        (429, "TooManyRequests", S3UnavailableError),
        (500, "InternalError", S3UnavailableError),
        (503, "SlowDown", S3UnavailableError),
    ],
)
def test_every_answer_says_whether_a_retry_helps(told, answers, status, code, error, tmp_path):
    answers.tell(status, ERROR.format(code))
    with pytest.raises(S3RefusedError if error is S3NotFoundError else error) as caught:
        told.download("a.txt", tmp_path / "a.txt")
    assert type(caught.value) is error
    assert str(caught.value) == f"download of a.txt: {code} (HTTP {status})"
    assert len(answers.asked) <= 2  # the job's own retry does the rest
    assert answers.asked[0] == "GET /worker-files/a.txt"


def test_a_busy_server_names_its_time(told, answers):
    answers.tell(503, ERROR.format("SlowDown"), Retry_After="9")
    with pytest.raises(S3UnavailableError) as caught:
        told.delete("a.txt")
    assert caught.value.retry_after == 9


def test_a_size_that_does_not_match_is_temporary(told, answers):
    """The server said yes to an upload, and has something else."""
    answers.tell(200, ETag='"x"', Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")
    with pytest.raises(S3SizeError, match="3 bytes were sent and 0 are there"):
        told.upload(b"abc", "a.txt")


def test_bytes_that_changed_on_their_way_are_noticed(told, answers, tmp_path):
    answers.tell(200, "changed", x_amz_checksum_crc32="AAAAAA==")
    with pytest.raises(S3UnavailableError, match="FlexibleChecksumError"):
        told.download("a.txt", tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def through(line, client, connect, **options) -> S3Client:
    return connect(f"http://127.0.0.1:{line.port}", bucket=client._bucket, **options)


def test_an_upload_that_breaks_off_leaves_the_old_object(client, line, connect):
    mine = through(line, client, connect, prefix="tenant-1")
    client.upload(b"old", "a.bin")
    line.cut_after(300_000, 300_000)
    with pytest.raises(S3UnavailableError):
        mine.upload(b"x" * 3_000_000, "a.bin")
    assert client.head("a.bin").size == 3
    line.cut_after(300_000)  # a single break is mended by a second try of the call
    assert mine.upload(b"x" * 3_000_000, "a.bin").size == 3_000_000


def test_a_download_that_breaks_off_leaves_nothing(client, line, connect, tmp_path):
    client.upload(b"x" * 9_000_000, "a.bin")
    mine = through(line, client, connect, prefix="tenant-1")
    line.cut_after_answer(1_000_000)
    with pytest.raises(S3UnavailableError):
        mine.download("a.bin", tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == []
    assert mine.download("a.bin", tmp_path / "a.bin") == 9_000_000


def test_a_silent_server_is_left_in_time(client, line, connect):
    mine = through(line, client, connect, timeout=200)
    line.fall_silent()
    started = time.monotonic()
    with pytest.raises(S3UnavailableError, match="ReadTimeoutError"):
        mine.head("a.txt")
    assert time.monotonic() - started < 5


def test_a_server_that_is_not_there_is_temporary(client, line, connect):
    mine = through(line, client, connect)
    line.close()
    with pytest.raises(S3UnavailableError, match="EndpointConnectionError"):
        mine.head("a.txt")


def test_a_certificate_of_a_stranger_is_refused(connect, tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    server = Answers(authority.server_context())
    with pytest.raises(S3RefusedError, match="certificate is not trusted"):
        connect(server.url).delete("a.txt")
    assert server.asked == []
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    connect(server.url).delete("a.txt")
    assert server.asked == ["DELETE /worker-files/a.txt"]
    server.close()


def test_without_any_keys_it_is_permanent(client, connect, aws, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    mine = connect(aws, accessKeyId=None, secretAccessKey=None)
    with pytest.raises(S3RefusedError, match="NoCredentialsError"):
        mine.head("a.txt")


def test_without_keys_the_default_chain_is_asked(client, connect, aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-chain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from-the-chain")
    mine = connect(aws, bucket=client._bucket, accessKeyId=None, secretAccessKey=None)
    assert mine.upload(b"x", "a.txt").size == 1


def test_metadata_that_cannot_be_sent_is_permanent(client):
    with pytest.raises(S3RefusedError, match="ParamValidationError"):
        client.upload(b"x", "a.txt", metadata={"name": "한글"})


def test_what_s3_and_the_library_say_is_in_no_error(told, answers):
    """Account names, keys of objects and values are; codes and names of parameters remain."""
    private = "kim.private@example.com"
    said = f"User: arn:aws:iam::123456789012:user/{private} may not read customers/{private}"
    answers.tell(403, ERROR.format("AccessDenied").replace("because", said))
    with pytest.raises(S3RefusedError, match="AccessDenied") as denied:
        told.upload(b"x", f"{private}-01012345678.pdf")
    with pytest.raises(S3RefusedError, match="ParamValidationError: name") as invalid:
        told.upload(b"x", "a.txt", metadata={"name": f"김 {private}"})
    with pytest.raises(S3KeyError) as outside:
        told.upload(b"x", f"../{private}")
    for caught in (denied, invalid, outside):
        shown = "".join(traceback.format_exception(caught.value)).split("s3.errors.")[-1]
        assert "kim.private" not in shown
        assert "12345678" not in shown


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (501, "NotImplemented", "A header you provided implies functionality"),
        (501, "XNotImplemented", ""),
        (400, "InvalidArgument", "unsupported header x-amz-checksum-crc32"),
        (400, "InvalidRequest", "unknown checksum algorithm"),
        (400, "MalformedTrailerError", "The request contained trailing data"),
    ],
)
def test_a_server_without_checksums_is_permanent_and_says_what_to_set(
    told, without_checksums, answers, status, code, message
):
    answers.tell(status, ERROR.format(code).replace("because", message))
    with pytest.raises(S3RefusedError, match=r'set "checksum": null in S3_CONFIG'):
        told.upload(b"x", "a.txt")
    assert len(answers.asked) == 1
    with pytest.raises(S3RefusedError) as caught:
        without_checksums.upload(b"x", "a.txt")
    assert "null" not in str(caught.value)


def test_http_where_https_is_meant_is_permanent(told, answers):
    answers.tell(301, Location="https://s3.example.com/")
    with pytest.raises(S3RefusedError, match="use https in the endpoint"):
        told.delete("a.txt")
    assert len(answers.asked) == 1


def test_https_at_a_port_without_tls_is_permanent(connect, answers):
    mine = connect(answers.url.replace("http:", "https:"), forcePathStyle=True)
    with pytest.raises(S3RefusedError, match="the port speaks no TLS"):
        mine.delete("a.txt")


def test_an_expired_certificate_is_permanent(connect, tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    server = Answers(authority.expired_context())
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    with pytest.raises(S3RefusedError, match="certificate has expired"):
        connect(server.url).delete("a.txt")
    server.close()


@pytest.mark.parametrize(
    ("bucket", "host"),
    [
        ("worker-files", "worker-files.s3.ap-northeast-2.amazonaws.com/a.txt"),
        ("files.example.com", "s3.ap-northeast-2.amazonaws.com/files.example.com/a.txt"),
    ],
)
def test_a_url_names_the_host_of_the_region(connect, bucket, host):
    """The global host redirects to it, which breaks uploads and browsers' checks."""
    mine = connect(None, bucket=bucket)
    assert mine.download_url("a.txt").startswith(f"https://{host}?")
    assert mine.upload_url("a.txt").url.startswith(f"https://{host}?")


def test_a_file_name_for_people_is_composed_and_a_key_is_not(connect):
    apart = unicodedata.normalize("NFD", "각.txt")
    url = connect(None).download_url(apart, filename=apart)
    assert quote(quote("각.txt")) in url
    assert quote(apart) in url.split("?")[0]


def test_the_secret_key_is_not_in_the_repr():
    config = S3Config(region="r", bucket="bucket", accessKeyId="k", secretAccessKey="hidden-value")
    assert "hidden-value" not in repr(config)
