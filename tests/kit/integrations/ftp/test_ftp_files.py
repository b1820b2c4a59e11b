"""Files over FTP and FTPS, against a real server."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from worker_payment.kit.integrations.ftp import (
    FtpNotFoundError,
    FtpPathError,
    FtpRefusedError,
)

BIG = bytes(range(256)) * 8192  # 2 MiB, so that several pieces are sent


def files(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("content", [b"", b"one line\r\n", BIG])
def test_a_file_goes_there_and_back(client, home, tmp_path, content):
    """Missing folders are made, and nothing temporary stays behind."""
    assert client.upload(content, "2026/01/보고서.bin") == len(content)
    assert (home / "upload/2026/01/보고서.bin").read_bytes() == content
    assert client.size("2026/01/보고서.bin") == len(content)
    assert client.download("2026/01/보고서.bin", tmp_path / "back.bin") == len(content)
    assert (tmp_path / "back.bin").read_bytes() == content
    assert files(home / "upload") == ["2026/01/보고서.bin"]
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_open_files_are_streamed(client, home):
    class Stream(io.RawIOBase):
        """Gives a few bytes at a time and cannot seek."""

        left = 10

        def readable(self):
            return True

        def readinto(self, buffer):
            self.left -= 1
            if self.left < 0:
                return 0
            buffer[:4] = b"abcd"
            return 4

    assert client.upload(Stream(), "stream.txt") == 40
    target = io.BytesIO()
    assert client.download("stream.txt", target) == 40
    assert target.getvalue() == b"abcd" * 10


def test_a_path_is_sent_from_its_file(client, home, tmp_path):
    (tmp_path / "report.csv").write_bytes(BIG)
    client.upload(tmp_path / "report.csv", "report.csv")
    assert (home / "upload/report.csv").read_bytes() == BIG


def test_a_file_is_replaced_as_a_whole(client, home):
    client.upload(b"first", "a.txt")
    client.upload(b"second", "a.txt")
    assert (home / "upload/a.txt").read_bytes() == b"second"
    assert files(home / "upload") == ["a.txt"]


def test_a_folder_is_listed_with_sizes(client):
    client.upload(b"12345", "in/b.txt")
    client.make_dirs("in/sub/deep")
    client.make_dirs("in/sub/deep")
    file, folder = client.list("in")
    assert (file.name, file.path, file.is_folder, file.size) == ("b.txt", "in/b.txt", False, 5)
    assert file.modified is not None
    assert (folder.name, folder.is_folder, folder.size) == ("sub", True, None)
    assert [entry.path for entry in client.list()] == ["in"]
    client.upload(b"after a listing", "in/c.txt")  # it leaves no connection in text mode
    assert client.size("in/c.txt") == 15


def test_delete_and_rename(client, home):
    client.upload(b"1", "a.txt")
    client.upload(b"2", "b.txt")
    client.rename("a.txt", "b.txt")
    assert (home / "upload/b.txt").read_bytes() == b"1"
    client.delete("b.txt")
    client.delete("b.txt", missing_ok=True)
    with pytest.raises(FtpNotFoundError, match=r"delete of b.txt"):
        client.delete("b.txt")
    assert files(home / "upload") == []


def test_what_is_not_there_is_told(client, tmp_path):
    with pytest.raises(FtpNotFoundError):
        client.download("absent.txt", tmp_path / "absent.txt")
    with pytest.raises(FtpNotFoundError):
        client.size("absent.txt")
    with pytest.raises(FtpRefusedError):
        client.list("absent")
    assert files(tmp_path / "home/upload") == []


WAYS_OUT = [
    "",
    "../outside.txt",
    "a/../../outside.txt",
    "/outside.txt",
    "..",
    ".",
    "a//b",
    "a/",
    "..\\outside.txt",
    "a\r\nDELE outside.txt",
    "a\n",
    "a\0b",
    "a\u2028b",
]


@pytest.mark.parametrize("path", WAYS_OUT)
def test_the_base_folder_cannot_be_left(client, home, tmp_path, path):
    calls = [
        lambda: client.upload(b"evil", path),
        lambda: client.download(path, tmp_path / "x"),
        lambda: client.size(path),
        lambda: client.delete(path, missing_ok=True),
        lambda: client.rename(path, "a"),
        lambda: client.rename("a", path),
    ]
    if path:  # empty means the base folder
        calls += [lambda: client.list(path), lambda: client.make_dirs(path)]
    for call in calls:
        with pytest.raises(FtpPathError):
            call()
    assert files(home) == ["outside.txt"]


@pytest.mark.parametrize("base", ["upload", "/upload/", "upload/.", "./upload"])
def test_the_base_folder_may_be_written_in_several_ways(server, client, connect, home, base):
    secure = client._config.secure
    connect(server.port, secure=secure, basePath=base).upload(b"1", "a.txt")
    assert (home / "upload/a.txt").exists()


def test_a_connection_is_used_again(client, server):
    for number in range(5):
        client.upload(b"x", f"{number}.txt")
    with pytest.raises(FtpNotFoundError):
        client.size("absent.txt")
    assert len(client.list()) == 5
    assert server.logins == ["worker"]


def test_threads_do_not_share_a_connection(client, server, home):
    with ThreadPoolExecutor(8) as threads:
        sent = list(threads.map(lambda n: client.upload(BIG[: n * 1000], f"{n}.bin"), range(24)))
    assert sent == [n * 1000 for n in range(24)]
    for number in range(24):
        assert (home / f"upload/{number}.bin").read_bytes() == BIG[: number * 1000]
    assert len(server.logins) <= 8


def test_the_check_tells_what_it_found(client, server, home):
    how = "FTPS" if client._config.secure else "FTP"
    assert client.check() == f"127.0.0.1:{server.port}, {how}, base folder /upload"
    (home / "upload").rmdir()
    with pytest.raises(FtpRefusedError):
        client.check()
