"""`.env`: the right value, or a sentence that names file, line and cure; never another value."""

from __future__ import annotations

import os
import re

import pytest
from preloaded import run_preloaded

from support import PYTHONPATH
from worker_payment.kit.config import Settings, SettingsError
from worker_payment.kit.config.dotenv import read_dotenv, read_variables
from worker_payment.kit.process.health import Heartbeat, health_file
from worker_payment.kit.process.probe import probe


@pytest.fixture(autouse=True)
def env_file(monkeypatch, tmp_path):
    """The `.env` of a folder of this test's own, with no variable of this machine beside it."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", "/home/kim")
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=pay", "pay"),
        ("  export A = pay  ", "pay"),
        ("A='pay'", "pay"),
        ('A="pay"  # a comment', "pay"),
        ("A=pay # a comment", "pay"),
        ("A=pay#1", "pay#1"),
        ("A=#fff", "#fff"),
        ("A='${HOME}'", "${HOME}"),
        ('A="${HOME}/x"', "/home/kim/x"),
        ("A=${HOME}/x", "/home/kim/x"),
        ('A="\\${HOME}"', "${HOME}"),
        ("A=${NOT_SET:-default}", "default"),
        ("A=$HOME", "$HOME"),
        ('A="two\\nlines"', "two\nlines"),
        ("A='it\\'s'", "it's"),
        ("A='C:\\new'", "C:\\new"),
        ('A={"a": "b"}', '{"a": "b"}'),
        ('A=\'{"a": "b"}\'', '{"a": "b"}'),
        ("A=결제", "결제"),
        ("A=a\u2028b", "a\u2028b"),
    ],
)
def test_a_line_that_is_clear(env_file, line, value):
    env_file.write_bytes(f"# first\n{line}\nB=next\n".encode())
    assert read_dotenv(env_file) == {"A": value, "B": "next"}


@pytest.mark.parametrize("text", ["A=", "A=''", 'A=""', "A= # a comment"])
def test_an_empty_value_is_empty(env_file, text):
    env_file.write_text(text)
    assert read_dotenv(env_file) == {"A": ""}


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ('WORKER_QUEUE="pay', "close it"),
        ("WORKER_QUEUE='pay", "close it"),
        ('WORKER_QUEUE="{"a": 1}"', "between single quotes"),
        ("WORKER_QUEUE=${NOT_SET_ANYWHERE}", "between single quotes"),
        ("WORKER_QUEUE=“pay”", "typographic"),
    ],
)
def test_a_value_that_is_not_clear_is_refused_with_line_and_cure(env_file, line, cure):
    env_file.write_text(f"A=1\n{line}\nREDIS_URL=redis://10.0.0.1:6379/0\n")
    with pytest.raises(SettingsError, match=cure) as caught:
        Settings()
    assert ".env, line 2: WORKER_QUEUE " in str(caught.value)
    assert "pay" not in str(caught.value)


@pytest.mark.parametrize("line", ["WORKER_QUEUE", "WORKER_QUEUE: pay", "  }", "=pay"])
def test_a_line_that_assigns_nothing_is_refused(env_file, line):
    env_file.write_text(f"A=1\n\n{line}\n")
    with pytest.raises(SettingsError, match=r"\.env, line 3: not of the form NAME=value"):
        Settings()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
def test_line_ends_and_a_byte_order_mark_change_no_value(env_file, start, end):
    env_file.write_bytes(start + end.join(["WORKER_QUEUE=pay", "WORKER_NAME=two", ""]).encode())
    assert (Settings().worker_queue, Settings().worker_name) == ("pay", "two")


@pytest.mark.parametrize(
    ("encoding", "sentence"),
    [
        ("cp949", r"\.env, line 2: not UTF-8, probably CP949 or EUC-KR; save the file as UTF-8"),
        ("utf-16", r"\.env, line 1: the file is UTF-16; save it as UTF-8"),
        ("utf-16-le", r"\.env, line 1: the file is UTF-16; save it as UTF-8"),
    ],
)
def test_another_encoding_is_named(env_file, encoding, sentence):
    env_file.write_bytes("WORKER_QUEUE=pay\nWORKER_NAME=결제\n".encode(encoding))
    with pytest.raises(SettingsError, match=sentence):
        Settings()


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("'pay'", "pay"),
        ('"pay"', "pay"),
        ("'pay' # a comment", "pay"),
        ('"Kim, Lee" <kim@example.com>', '"Kim, Lee" <kim@example.com>'),
        ("it's", "it's"),
        ("${HOME}", "${HOME}"),
    ],
)
def test_values_that_arrive_with_their_quotes(monkeypatch, given, value):
    """`docker run --env-file`, Kubernetes and KEDA pass a line's value as it stands."""
    monkeypatch.setenv("APP_NAME", given)
    assert Settings().app_name == value


def test_json_that_arrives_with_its_quotes(monkeypatch):
    monkeypatch.setenv("LOGGER_CONFIG", '\'{"level": "error"}\'')
    assert Settings().logger_config.level == "error"


@pytest.mark.parametrize("given", ["'", '"pay', "'pay\""])
def test_an_unclosed_quote_in_the_environment_is_refused(monkeypatch, given):
    monkeypatch.setenv("WORKER_QUEUE", given)
    with pytest.raises(SettingsError, match="WORKER_QUEUE in the environment begins with"):
        Settings()


def test_a_value_in_another_encoding_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setitem(os.environb, b"APP_NAME", "결제".encode("cp949"))
    with pytest.raises(SettingsError, match="APP_NAME in the environment is not UTF-8"):
        Settings()


def test_a_folder_called_env_is_no_file_of_variables(env_file):
    env_file.mkdir()
    assert read_variables(env_file).keys() == read_variables(None).keys()


def test_the_command_line_answers_with_one_sentence(env_file):
    env_file.write_text('WORKER_QUEUE="pay\nREDIS_URL=redis://10.0.0.1:6379/0\n')
    for command, code in (["check", 2], ["run", 2], ["health", 1]):
        environment = os.environ | {"PYTHONPATH": PYTHONPATH}
        run = run_preloaded(["-m", "worker_payment", command], env=environment)
        assert (run.returncode, run.stdout) == (code, ""), run.stderr
        assert re.fullmatch(r"error: \.env, line 1: WORKER_QUEUE [^\n]+\n", run.stderr)


@pytest.mark.parametrize(
    "line", ["WORKER_NAME='${HOME}'", 'WORKER_NAME="${HOME}x"', "WORKER_NAME=a #b"]
)
def test_the_health_check_reads_it_as_the_worker_does(env_file, line):
    env_file.write_text(line)
    heartbeat = Heartbeat(health_file(Settings()))
    heartbeat.beat(redis=True)
    assert probe(ready=True) == 0
    heartbeat.remove()
