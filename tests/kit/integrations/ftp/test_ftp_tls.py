"""FTPS as servers really end it, and certificates that nobody should trust."""

from __future__ import annotations

import os
import time

import pytest
from ftp_server import DTPHandler, _SecureData

from worker_payment.kit.integrations.ftp import FtpRefusedError

BIG = bytes(range(256)) * 8192  # 2 MiB


class CarelessData(_SecureData):
    """Ends the connection without TLS's close_notify."""

    def _do_ssl_shutdown(self):
        self._ssl_closing = False
        DTPHandler.close(self)


class SilentData(CarelessData):
    """Never answers the client's close_notify and keeps the connection open."""

    def _do_ssl_shutdown(self):
        os.dup(self.socket.fileno())  # nobody closes it before the end of the tests
        super()._do_ssl_shutdown()


@pytest.mark.parametrize("ending", [CarelessData, SilentData])
@pytest.mark.parametrize("content", [b"small", BIG], ids=["small", "big"])
def test_an_upload_counts_when_226_and_size_agree(
    start_ftp, connect, authority, home, ending, content
):
    server = start_ftp(authority.server_file())
    server._server.handler.dtp_handler = ending
    client = connect(server.port, secure=True)
    started = time.monotonic()
    assert client.upload(content, "a.bin") == len(content)
    assert (home / "upload/a.bin").read_bytes() == content
    assert time.monotonic() - started < 4  # the time-out is 5
    client.upload(content, "b.bin")
    assert server.connections == 1


def test_a_download_and_a_listing_count_too(start_ftp, connect, authority, home, tmp_path):
    server = start_ftp(authority.server_file())
    server._server.handler.dtp_handler = CarelessData
    (home / "upload/a.bin").write_bytes(BIG)
    client = connect(server.port, secure=True)
    assert client.download("a.bin", tmp_path / "a.bin") == len(BIG)
    assert [each.name for each in client.list()] == ["a.bin"]


def test_an_expired_certificate_is_permanent(start_ftp, connect, authority):
    server = start_ftp(authority.expired_file())
    with pytest.raises(FtpRefusedError, match="certificate has expired"):
        connect(server.port, secure=True).check()
