"""The command line in Korean: every text has its Korean, and every Korean text is used."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer.main
from judging import PROJECT
from preloaded import run_preloaded
from typer import rich_utils

from support import PACKAGE, ROOT, prepare
from worker_payment.kit import translated
from worker_payment.kit.cli import command_line

KOREAN = PROJECT / "template/src/{{ package_name }}/kit/korean.py"
TEXTS: dict[str, str] = runpy.run_path(str(KOREAN))["TEXTS"]
# Calls whose texts are shown: of the first argument, or of all.
FIRST, ALL = {"say", "ok", "warn", "fail", "Outcome", "_cell"}, {"_table"}


def helps(command: Any) -> Iterator[str]:
    """Every text of the help."""
    yield from (text for each in (command, *command.params) if (text := getattr(each, "help", "")))
    for each in getattr(command, "commands", {}).values():
        yield from helps(each)


@cache
def nodes() -> list[ast.Call | ast.Constant]:
    """The calls and the constants of the kit's code."""
    files = (ROOT / "src" / PACKAGE / "kit").rglob("*.py")
    found = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return [node for node in found if isinstance(node, ast.Call | ast.Constant)]


@cache
def spoken() -> set[str]:
    """Every text that the code hands over to be shown, as far as it is written there."""
    texts: set[str] = set()
    for node in nodes():
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            words = node.args[:1] if name in FIRST else node.args if name in ALL else []
            for word in words:
                texts.update(_texts(word))
    for file in (ROOT / "src" / PACKAGE / "kit").rglob("*.py"):
        texts.update(re.findall(r"\bsay\('([a-z]+)'\)", file.read_text()))  # inside of f-strings
    return texts


def _texts(word: ast.expr) -> Iterator[str]:
    if isinstance(word, ast.IfExp):
        yield from (*_texts(word.body), *_texts(word.orelse))
    elif isinstance(word, ast.Constant) and isinstance(word.value, str):
        yield word.value


def test_every_text_has_its_korean():
    frame = {getattr(rich_utils, name) for name in translated._WORDS}
    shown = {*helps(typer.main.get_command(command_line())), *spoken(), *frame}
    assert {text for text in shown if text not in TEXTS} == set()


def test_no_korean_text_is_left_over():
    written = "\n".join(
        repr(node.value)
        for node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    shown = {*helps(typer.main.get_command(command_line())), *spoken()}
    frame = {getattr(rich_utils, name) for name in translated._WORDS}
    others = {"Show this message and exit."} | frame | shown
    assert {text for text in TEXTS if text not in others and repr(text) not in written} == set()


def test_the_values_are_the_same():
    values = re.compile(r"\{\w*\}")
    other = {
        text: korean
        for text, korean in TEXTS.items()
        if {*values.findall(text)} != {*values.findall(korean)}
    }
    assert other == {}


def test_a_worker_with_korean_documents_speaks_korean(tmp_path):
    """Help, an answer and an error of usage; the fields of JSON stay as they are."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    kit = tmp_path / "src" / PACKAGE / "kit"
    shutil.copy(KOREAN, kit)
    answers = kit / "answers.py"
    answers.write_text(answers.read_text().replace('LANGUAGE = "en"', 'LANGUAGE = "ko"'))
    prepare(tmp_path)

    def run(*words: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "src"), "COLUMNS": "100"}
        done = run_preloaded(["-m", PACKAGE, *words], cwd=tmp_path, env=environment)
        return done.stdout + done.stderr

    shown = run("failed", "list", "--help")
    for text in (
        "실패한 잡을 오래된 순서로",
        "옵션",
        "[기본값: 50]",
        "이 도움말을 표시하고 종료합니다",
    ):
        assert text in shown
    assert "잡 ID나 조건, --all 중 하나를 지정하세요" in run("failed", "discard")
    assert "포트를 열지 않습니다" in run("--help")
    check = ("check", "--only", "settings")
    assert "worker-payment, 큐 payment" in run(*check)
    quick = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", PACKAGE, *check],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "typer" in quick.stderr
    assert "rich" not in quick.stderr, "a command that shows no help loads what draws it"
