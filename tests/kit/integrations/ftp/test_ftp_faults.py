"""What breaks: logins, certificates, lines, servers that know little."""

from __future__ import annotations

import io
import time

import pytest
from ftp_server import PASSWORD

from worker_payment.kit.integrations.ftp import (
    FtpRefusedError,
    FtpSizeError,
    FtpUnavailableError,
)

BIG = bytes(range(256)) * 8192  # 2 MiB


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def plain(start_ftp):
    return start_ftp()


@pytest.fixture
def secure(start_ftp, authority):
    return start_ftp(authority.server_file())


def test_data_connections_continue_the_tls_session(start_ftp, authority, connect):
    """Servers that demand it refuse every transfer otherwise."""
    server = start_ftp(authority.server_file(), demand_reuse=True)
    client = connect(server.port, secure=True)
    client.upload(BIG, "a.bin")
    client.upload(BIG, "b.bin")
    assert [entry.name for entry in client.list()] == ["a.bin", "b.bin"]
    assert server.reused == [True] * len(server.reused)
    assert len(server.reused) == 3


def test_a_refused_login_is_permanent_and_does_not_tell_the_password(secure, connect):
    with pytest.raises(FtpRefusedError, match="530") as caught:
        connect(secure.port, secure=True, password="wrong-password").check()
    assert "wrong-password" not in repr(caught.value) + repr(caught.value.__cause__)


def test_no_password_is_sent_to_a_server_without_tls(plain, connect):
    with pytest.raises(FtpRefusedError):
        connect(plain.port, secure=True).check()
    assert plain.logins == []


def test_a_certificate_of_a_stranger_is_refused(secure, connect):
    with pytest.raises(
        FtpRefusedError, match=r"self-signed certificate|unable to get local issuer"
    ):
        connect(secure.port, secure=True, caFile=None).check()
    assert secure.logins == []


def test_a_certificate_for_another_name_is_refused(start_ftp, authority, connect):
    server = start_ftp(authority.server_file("ftp.example.com"))
    with pytest.raises(FtpRefusedError, match=r"not valid for '127.0.0.1'"):
        connect(server.port, secure=True).check()


def test_a_plain_login_at_a_server_that_wants_tls_is_refused(secure, connect):
    with pytest.raises(FtpRefusedError, match="demands TLS: set secure"):
        connect(secure.port).check()


@pytest.mark.parametrize("control", [False, True], ids=["data", "control"])
def test_an_upload_that_breaks_off_is_temporary_and_leaves_the_old_file(
    server, client, home, control
):
    client.upload(b"old", "a.bin")
    server.break_after, server.break_control = 500_000, control
    with pytest.raises(FtpUnavailableError):
        client.upload(BIG, "a.bin")
    assert (home / "upload/a.bin").read_bytes() == b"old"
    assert names(home / "upload") == ["a.bin"]
    assert client.upload(BIG, "a.bin") == len(BIG)


@pytest.mark.parametrize("control", [False, True], ids=["data", "control"])
def test_a_download_that_breaks_off_is_temporary_and_leaves_nothing(
    server, client, tmp_path, control
):
    client.upload(BIG, "a.bin")
    (tmp_path / "out").mkdir()
    server.break_after, server.break_control = 500_000, control
    with pytest.raises(FtpUnavailableError):
        client.download("a.bin", tmp_path / "out/a.bin")
    assert names(tmp_path / "out") == []
    assert client.download("a.bin", tmp_path / "out/a.bin") == len(BIG)


def test_an_upload_goes_on_where_it_broke_off(server, client, home, tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(BIG)
    server.break_after = 500_000
    with pytest.raises(FtpUnavailableError):
        client.upload(source, "a.bin", resume=True)
    (partial,) = (home / "upload").iterdir()
    assert 0 < partial.stat().st_size < len(BIG)
    begun = partial.read_bytes()
    partial.write_bytes(b"X" * len(begun))  # what is there is not sent again
    assert client.upload(source, "a.bin", resume=True) == len(BIG)
    assert names(home / "upload") == ["a.bin"]
    assert (home / "upload/a.bin").read_bytes() == b"X" * len(begun) + BIG[len(begun) :]


def test_an_upload_begins_anew_when_the_file_has_changed(server, client, home, tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(BIG)
    server.break_after = 500_000
    with pytest.raises(FtpUnavailableError):
        client.upload(source, "a.bin", resume=True)
    source.write_bytes(BIG[::-1] + b"more")
    client.upload(source, "a.bin", resume=True)
    assert (home / "upload/a.bin").read_bytes() == BIG[::-1] + b"more"


def test_a_download_goes_on_where_it_broke_off(server, client, home, tmp_path):
    client.upload(BIG, "a.bin")
    out = tmp_path / "out"
    out.mkdir()
    server.break_after = 500_000
    with pytest.raises(FtpUnavailableError):
        client.download("a.bin", out / "a.bin", resume=True)
    (partial,) = out.iterdir()
    begun = partial.stat().st_size
    assert 0 < begun < len(BIG)
    partial.write_bytes(b"X" * begun)
    assert client.download("a.bin", out / "a.bin", resume=True) == len(BIG)
    assert (out / "a.bin").read_bytes() == b"X" * begun + BIG[begun:]
    assert names(out) == ["a.bin"]


def test_a_download_begins_anew_when_the_file_has_changed(server, client, tmp_path):
    client.upload(BIG, "a.bin")
    out = tmp_path / "out"
    out.mkdir()
    server.break_after = 500_000
    with pytest.raises(FtpUnavailableError):
        client.download("a.bin", out / "a.bin", resume=True)
    client.upload(b"changed", "a.bin")
    client.download("a.bin", out / "a.bin", resume=True)
    assert (out / "a.bin").read_bytes() == b"changed"


def test_only_a_path_can_be_sent_in_two_parts(plain, connect):
    with pytest.raises(ValueError, match="by its path"):
        connect(plain.port).upload(b"bytes", "a.bin", resume=True)


def test_a_server_that_cannot_go_on_gets_the_whole_file(start_ftp, connect, home, tmp_path):
    server = start_ftp(unknown=("REST",))
    client = connect(server.port)
    source = tmp_path / "a.bin"
    source.write_bytes(BIG)
    server.break_after = 500_000
    with pytest.raises(FtpUnavailableError):
        client.upload(source, "a.bin", resume=True)
    client.upload(source, "a.bin", resume=True)
    assert (home / "upload/a.bin").read_bytes() == BIG
    server.break_after = 500_000
    with pytest.raises(FtpUnavailableError):
        client.download("a.bin", tmp_path / "back.bin", resume=True)
    client.download("a.bin", tmp_path / "back.bin", resume=True)
    assert (tmp_path / "back.bin").read_bytes() == BIG


def test_a_server_that_knows_little_will_do(start_ftp, connect, home, tmp_path):
    server = start_ftp(unknown=("MLSD", "SIZE", "MDTM", "MLST"))
    client = connect(server.port)
    client.upload(b"12345", "in/a.txt")
    (entry,) = client.list("in")
    assert (entry.name, entry.path, entry.size, entry.is_folder) == (
        "a.txt",
        "in/a.txt",
        None,
        None,
    )
    assert client.size("in/a.txt") is None
    assert client.download("in/a.txt", tmp_path / "a.txt", resume=True) == 5


def test_a_size_that_does_not_match_is_temporary(plain, connect, home, monkeypatch):
    """As when the server's disk is full and it does not say so."""
    client = connect(plain.port)
    client.upload(b"old", "a.txt")
    monkeypatch.setattr("ftplib.FTP.size", lambda self, path: 3)
    with pytest.raises(FtpSizeError, match="12 bytes were sent and the server has 3"):
        client.upload(b"twelve bytes", "a.txt")
    assert (home / "upload/a.txt").read_bytes() == b"old"


def test_a_server_that_renames_over_nothing(plain, connect, home, monkeypatch):
    """The old file steps aside, and comes back if the new one cannot take its place."""
    client = connect(plain.port)
    client.upload(b"old", "a.txt")
    session = plain._server.handler.abstracted_fs
    rename = session.rename

    def careful(self, source, target):
        if (home / target).exists():
            raise PermissionError(17, "File exists", target)
        return rename(self, source, target)

    monkeypatch.setattr(session, "rename", careful)
    client.upload(b"new", "a.txt")
    assert (home / "upload/a.txt").read_bytes() == b"new"
    assert names(home / "upload") == ["a.txt"]


def test_a_user_who_may_only_read_is_refused(start_ftp, connect, home):
    client = connect(start_ftp(may="elr").port)
    with pytest.raises(FtpRefusedError, match="550"):
        client.upload(b"x", "a.txt")
    with pytest.raises(FtpRefusedError, match="550"):
        client.make_dirs("new")
    assert names(home / "upload") == []


def test_a_source_that_fails_leaves_nothing_behind(server, client, home):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 300_000:
                raise RuntimeError("the source broke")
            return super().read(size)

    with pytest.raises(RuntimeError, match="the source broke"):
        client.upload(Failing(BIG), "a.bin")
    assert names(home / "upload") == []
    assert client.upload(b"next", "a.bin") == 4


def test_a_silent_server_is_left_in_time(server, client, line, connect):
    line.fall_silent()
    started = time.monotonic()
    with pytest.raises(FtpUnavailableError, match="TimeoutError"):
        connect(line.port, secure=client._config.secure, timeout=300).check()
    assert time.monotonic() - started < 2


def test_a_server_that_falls_silent_between_jobs_is_left_in_time(server, client, line, connect):
    client = connect(line.port, secure=client._config.secure, timeout=300)
    client.check()
    line.fall_silent()
    started = time.monotonic()
    with pytest.raises(FtpUnavailableError):
        client.upload(b"x", "a.txt")
    assert time.monotonic() - started < 2


def test_a_connection_that_died_while_idle_is_replaced(server, client, line, connect):
    client = connect(line.port, secure=client._config.secure)
    client.check()
    line.cut()
    assert client.upload(b"x", "a.txt") == 1
    assert line.connections == 2


def test_a_server_that_is_not_there_is_temporary(plain, connect):
    plain.stop()
    with pytest.raises(FtpUnavailableError, match="ConnectionRefusedError"):
        connect(plain.port).check()


def test_after_close_nothing_is_kept_open(plain, connect):
    client = connect(plain.port)
    client.check()
    client.close()
    assert client._pool._idle == []
    client.check()  # a job that ends while the worker closes
    assert client._pool._idle == []


def test_the_password_is_not_in_the_repr(plain, connect):
    assert PASSWORD not in repr(connect(plain.port)._config)
