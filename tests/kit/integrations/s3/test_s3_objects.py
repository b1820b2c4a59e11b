"""Objects in a bucket, against a server that speaks S3."""

from __future__ import annotations

import io
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from worker_payment.kit.integrations.s3 import (
    S3Client,
    S3KeyError,
    S3NotFoundError,
    S3RefusedError,
)
from worker_payment.kit.integrations.s3.settings import S3Config

PART = 8 * 1024 * 1024


class Stream(io.RawIOBase):
    """Gives a piece at a time and cannot seek."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self):
        return True

    def readinto(self, buffer):
        size = min(len(buffer), self.left, 1_000_003)
        buffer[:size] = b"x" * size
        self.left -= size
        return size


@pytest.mark.parametrize("content", [b"", b"one line\r\n", bytes(range(256)) * 1000])
def test_an_object_goes_there_and_back(client, tmp_path, content):
    stored = client.upload(
        content, "2026/보고서.csv", metadata={"job": "1"}, cache_control="no-cache"
    )
    assert (stored.key, stored.size, stored.metadata) == (
        "2026/보고서.csv",
        len(content),
        {"job": "1"},
    )
    assert stored.content_type == "text/csv"
    assert client.download("2026/보고서.csv", tmp_path / "back.csv") == len(content)
    assert (tmp_path / "back.csv").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["back.csv"]


def test_keys_stand_below_the_prefix(client):
    client.upload(b"x", "a.txt")
    full = client._client.list_objects_v2(Bucket=client._bucket)["Contents"]
    assert [item["Key"] for item in full] == ["outside.txt", "tenant-1/a.txt"]
    assert [each.key for each in client.list()] == ["a.txt"]


@pytest.mark.parametrize("extra", [0, 1])
def test_a_large_file_is_sent_in_parts_with_checksums(client, tmp_path, extra):
    source = tmp_path / "large.bin"
    source.write_bytes(b"0123456789abcdef" * (PART * 2 // 16) + b"x" * extra)
    stored = client.upload(source, "large.bin")
    assert stored.size == PART * 2 + extra
    assert stored.etag.endswith(f"-{2 + extra}")
    head = client._client.head_object(
        Bucket=client._bucket, Key="tenant-1/large.bin", ChecksumMode="ENABLED"
    )
    assert "ChecksumCRC32" in head
    client.download("large.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()


def test_a_stream_of_unknown_length_is_sent_in_parts(client):
    stored = client.upload(Stream(PART * 2 + 5), "stream.bin")
    assert stored.size == PART * 2 + 5
    assert stored.etag.endswith("-2")
    target = io.BytesIO()
    assert client.download("stream.bin", target) == PART * 2 + 5


def test_an_open_file_is_sent_from_where_it_stands(client):
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert client.upload(file, "rest.txt").size == 6
    assert not file.closed


def test_a_source_that_fails_leaves_no_parts(client):
    """Parts that stay are paid for."""

    class Failing(Stream):
        def readinto(self, buffer):
            if self.left < PART:
                raise RuntimeError("the source broke")
            return super().readinto(buffer)

    with pytest.raises(RuntimeError, match="the source broke"):
        client.upload(Failing(PART * 4), "broken.bin")
    uploads = client._client.list_multipart_uploads(Bucket=client._bucket)
    assert "Uploads" not in uploads
    assert not client.exists("broken.bin")


def test_an_object_is_replaced_deleted_and_missed(client, tmp_path):
    client.upload(b"first", "a.txt")
    assert client.upload(b"second", "a.txt", content_type="text/x-own").content_type == "text/x-own"
    assert client.exists("a.txt")
    client.delete("a.txt")
    client.delete("a.txt")
    assert not client.exists("a.txt")
    for call in (lambda: client.head("a.txt"), lambda: client.download("a.txt", tmp_path / "a")):
        with pytest.raises(S3NotFoundError, match=r"a\.txt: (404|NoSuchKey)"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_a_listing_goes_through_all_pages(client):
    boto = client._client
    with ThreadPoolExecutor(4) as threads:
        names = [f"in/{number:04}" for number in range(25)]
        list(threads.map(lambda name: client.upload(b"x", name), names))
    client.upload(b"y", "other")
    listing = boto.get_paginator("list_objects_v2").paginate
    small = [{"PageSize": 10}]
    boto_pages = listing(Bucket=client._bucket, Prefix="tenant-1/in/", PaginationConfig=small[0])
    assert len(list(boto_pages)) == 3
    assert [each.key for each in client.list("in/")] == names
    assert [each.key for each in client.list("in/000")] == names[:10]
    first = next(client.list("in/"))  # a caller may stop early
    assert (first.key, first.size) == ("in/0000", 1)


WAYS_OUT = ["", "../outside.txt", "a/../../outside.txt", "/outside.txt", "..", ".", "a//b", "a/"]
WAYS_OUT += ["a\r\nb", "a\0b", "..\\outside.txt", "a/./b", "가" * 400]


@pytest.mark.parametrize("key", WAYS_OUT)
def test_the_prefix_cannot_be_left(client, tmp_path, key):
    calls = [
        lambda: client.upload(b"evil", key),
        lambda: client.download(key, tmp_path / "x"),
        lambda: client.head(key),
        lambda: client.delete(key),
        lambda: client.download_url(key),
        lambda: client.upload_url(key),
    ]
    for call in calls:
        with pytest.raises(S3KeyError):
            call()


@pytest.mark.parametrize("begin", ["../", "/", "a/../b", ".", "a\nb"])
def test_a_listing_cannot_leave_the_prefix(client, begin):
    with pytest.raises(S3KeyError):
        list(client.list(begin))


def test_a_url_lets_anybody_read_for_a_while(client):
    client.upload(b"for you", "a.txt")
    url = client.download_url("a.txt", seconds=60, filename="보고서 1.txt")
    assert "X-Amz-Expires=60" in url
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"for you"
        assert "filename*=UTF-8''%EB%B3%B4" in answer.headers["Content-Disposition"]


def test_a_url_lets_anybody_store_for_a_while(client):
    target = client.upload_url("up.txt", content_type="text/plain")
    assert target.headers == {"Content-Type": "text/plain"}
    assert target.url not in repr(target)
    request = urllib.request.Request(target.url, b"from you", dict(target.headers), method="PUT")
    urllib.request.urlopen(request).close()
    assert client.head("up.txt").content_type == "text/plain"


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3600 + 1])
def test_a_url_lives_no_longer_than_s3_allows(client, seconds):
    with pytest.raises(S3RefusedError, match="604800 seconds"):
        client.download_url("a.txt", seconds=seconds)


@pytest.mark.parametrize("size", [10, PART + 1])
def test_objects_are_encrypted_as_the_settings_say(client, size):
    config = S3Config(
        region="ap-northeast-2",
        bucket=client._bucket,
        serverSideEncryption="aws:kms",
        kmsKeyId="alias/worker",
    )
    encrypting = S3Client(client._client, config)
    encrypting.upload(b"x" * size, "secret.bin")
    head = client._client.head_object(Bucket=client._bucket, Key="secret.bin")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/worker")
    headers = encrypting.upload_url("secret.bin").headers
    assert headers["x-amz-server-side-encryption"] == "aws:kms"


def test_the_check_tells_what_it_found(client, aws):
    assert client.check() == f"bucket {client._bucket}/tenant-1 at {aws}"
    missing = S3Client(client._client, S3Config(region="a", bucket="not-there"))
    with pytest.raises(S3RefusedError, match="404"):
        missing.check()
