"""FTP servers, and clients for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ftp_server import PASSWORD, USER, FtpServer

from integrations.network import Authority, Line
from worker_payment.kit.integrations.ftp import FtpClient
from worker_payment.kit.integrations.ftp.settings import FtpConfig


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What the server's user sees as `/`."""
    folder = tmp_path / "home"
    (folder / "upload").mkdir(parents=True)
    (folder / "outside.txt").write_text("not below the base folder")
    return folder


@pytest.fixture
def start_ftp(home) -> Iterator[Callable[..., FtpServer]]:
    """Start servers; they end with the test."""
    started = []

    def start(*arguments: Any, **options: Any) -> FtpServer:
        started.append(FtpServer(home, *arguments, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def connect(authority, start_ftp) -> Iterator[Callable[..., FtpClient]]:
    """Make clients for a port; they are closed with the test."""
    made = []

    def make(port: int, **options: Any) -> FtpClient:
        chosen = {
            "host": "127.0.0.1",
            "user": USER,
            "password": PASSWORD,
            "basePath": "/upload",
            "timeout": 5000,
            "caFile": authority.file,
        }
        made.append(FtpClient(FtpConfig(port=port, **(chosen | options))))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(params=["plain", "tls"])
def server(request, start_ftp, authority) -> FtpServer:
    """A server of each kind."""
    return start_ftp(authority.server_file() if request.param == "tls" else None)


@pytest.fixture
def client(request, server, connect) -> FtpClient:
    """A client for that server."""
    return connect(server.port, secure="tls" in request.node.callspec.id)


@pytest.fixture
def line(server) -> Iterator[Line]:
    """A line to that server which can break."""
    line = Line(server.port)
    yield line
    line.close()
