"""Servers and names that are not ASCII: CP949, EUC-KR, decomposed Hangul, long Korean names."""

from __future__ import annotations

import traceback
import unicodedata

import pytest
from ftp_server import FtpServer

from worker_payment.kit.integrations.ftp import (
    FtpNotFoundError,
    FtpPathError,
    FtpRefusedError,
)

HANGUL = "보고서 각나다.txt"
APART = unicodedata.normalize("NFD", HANGUL)
KOREAN = {
    "220": "220 한글 FTP 서버에 오신 것을 환영합니다",
    "230": "230 로그인 되었습니다",
    "530": "530 사용자 인증에 실패했습니다",
    "550": "550 파일을 찾을 수 없습니다",
}


@pytest.fixture
def korean(start_ftp, home) -> FtpServer:
    """A server that speaks CP949 and does not say so."""
    server = start_ftp()
    handler = server._server.handler
    handler.encoding, respond = "cp949", handler.respond
    handler.respond = lambda self, text, *rest, **named: respond(
        self, KOREAN.get(text[:3], text), *rest, **named
    )
    return server


@pytest.mark.parametrize("encoding", [None, "cp949", "euc-kr"])
def test_a_server_that_speaks_cp949_is_understood(korean, connect, home, encoding):
    """By default from its welcome on: names, listings and the wish for a file that is not there."""
    client = connect(korean.port, encoding=encoding)
    client.upload(b"x", f"월별/{HANGUL}")
    assert (home / "upload/월별" / HANGUL).read_bytes() == b"x"
    assert [each.name for each in client.list("월별")] == [HANGUL]
    with pytest.raises(FtpNotFoundError, match=r"550 \(not found, or not permitted\)"):
        client.size("없음.txt")


def test_a_wrong_password_there_is_permanent(korean, connect):
    with pytest.raises(FtpRefusedError, match=r"530 \(the login is refused\)"):
        connect(korean.port, password="wrong").check()


@pytest.mark.parametrize("unknown", [(), ("MLSD",)])
def test_names_in_another_encoding_than_the_set_one_are_refused_with_a_hint(
    start_ftp, connect, home, unknown
):
    server = start_ftp(unknown=unknown)
    server._server.handler.encoding = "cp949"
    (home / "upload" / HANGUL).write_bytes(b"x")
    with pytest.raises(FtpRefusedError, match="set encoding in FTP_CONFIG"):
        connect(server.port, encoding="utf-8").list()
    assert [each.name for each in connect(server.port).list()] == [HANGUL]


@pytest.mark.parametrize("options", [{"password": "이모지😀"}, {"basePath": "/upload/😀"}])
def test_what_the_encoding_lacks_is_refused_with_a_hint(korean, connect, options):
    client = connect(korean.port, encoding="cp949", **options)
    with pytest.raises(FtpRefusedError, match="cp949 lacks; set encoding") as caught:
        client.upload(b"x", "a.txt")
    assert "😀" not in str(caught.value)


def test_decomposed_hangul_is_composed_on_its_way_to_the_server(korean, server, client, home):
    """CP949 has no such letters, and people see two files of one name."""
    client.upload(b"x", f"{APART[:-4]}/{APART}")
    client.rename(f"{APART[:-4]}/{APART}", APART)
    client.make_dirs(APART[:3])
    names = sorted(path.name for path in (home / "upload").iterdir())
    assert names == sorted([HANGUL, HANGUL[:-4], unicodedata.normalize("NFC", APART[:3])])


def test_decomposed_hangul_and_cp949(korean, connect, home):
    client = connect(korean.port, encoding="cp949")
    client.upload(b"x", APART)
    assert (home / "upload" / HANGUL).read_bytes() == b"x"


def test_files_that_lie_there_decomposed_are_found_by_their_listed_name(server, client, home):
    folder = home / "upload" / APART[:-4]
    folder.mkdir()
    (folder / APART).write_bytes(b"xyz")
    (entry,) = client.list(APART[:-4])
    assert client.size(entry.path) == 3
    assert client.download(entry.path, home / "copy") == 3
    client.rename(entry.path, "b.txt")
    client.delete("b.txt")
    assert list(folder.iterdir()) == []


def test_the_longest_korean_name_has_room_for_its_temporary_one(server, client, home, tmp_path):
    """File systems count bytes: 85 syllables are 255."""
    name = "가" * 80 + ".txt"
    client.upload(b"x", name)
    assert client.download(name, tmp_path / name) == 1


@pytest.mark.parametrize("code", ["450", "550"])
def test_an_empty_folder_that_the_server_calls_missing_is_empty(
    start_ftp, connect, home, monkeypatch, code
):
    server = start_ftp(unknown=("MLSD",))
    handler = server._server.handler
    monkeypatch.setattr(handler, "ftp_NLST", lambda self, _: self.respond(f"{code} No files"))
    assert connect(server.port).list() == []
    with pytest.raises(Exception, match=code):
        connect(server.port).list("absent")


def test_what_the_server_says_of_a_person_is_in_no_error(start_ftp, connect, monkeypatch):
    """Its code and what that means are; a path has its addresses and long numbers masked."""
    server = start_ftp()
    handler = server._server.handler
    private = "kim.private@example.com 010-1234-5678 secret-word"
    monkeypatch.setattr(handler, "ftp_SIZE", lambda self, _: self.respond(f"550 {private}"))
    monkeypatch.setattr(handler, "ftp_DELE", lambda self, _: self.respond(f"450 {private}"))
    path = "kim.private@example.com-01012345678.pdf"
    for call in (connect(server.port).size, connect(server.port).delete):
        with pytest.raises(Exception, match=r"k\*\*\*@example.com-010") as caught:
            call(path)
        shown = "".join(traceback.format_exception(caught.value))
        assert shown.count("Error: ") == 1  # the library's error, with the words, is not shown
        for part in ("kim.private", "1234-5678", "12345678", "secret-word"):
            assert part not in shown.split("integrations.ftp.errors.")[-1]
    with pytest.raises(FtpPathError, match=r"k\*\*\*@"):
        connect(server.port).size(f"../{path}")
