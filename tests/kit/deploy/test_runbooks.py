"""Commands and files that the runbooks name are there."""

from __future__ import annotations

import re
import shlex

import pytest
import typer.main
from judging import PROJECT

from support import PACKAGE, ROOT
from worker_payment.kit.cli import command_line

RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
NAME = "worker-payment"
COMMAND = re.compile(rf"(?:^\s*\$ |`)({NAME} [a-z][^`#\n]*)", re.MULTILINE)


def test_there_are_runbooks():
    assert {each.stem for each in RUNBOOKS} >= {"deploy", "drain", "replay", "redis-lost"}


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_its_commands_exist(path):
    for text in COMMAND.findall(path.read_text()):
        command = typer.main.get_command(command_line())
        words = shlex.split(text)[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not hasattr(command, "commands"), f"{text}: no such command"
        known = {option for each in command.params for option in each.opts}
        unknown = {word for word in words if word.startswith("-")} - known
        assert not unknown, f"{text}: no such option {unknown}"


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_its_files_and_targets_exist(path):
    text = path.read_text()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"\$ make ([a-z]+)", text)) <= set(targets)
    for name in re.findall(r"`((?:deploy|compose|constraints|payloads)[/.][\w./-]+)`", text):
        assert (ROOT / name).exists() or (path.parent / name).exists(), name


def test_every_event_of_the_worker_is_explained():
    """In both languages; what modules and owners log is their own."""
    kit = ROOT / "src" / PACKAGE / "kit"
    logged = re.compile(
        r"(?:log\.(?:debug|info|warning|error|exception)|\.exception|fault|_write)\(\s*"
        r'(?:log\.\w+,\s*)?"([a-z]+\.[a-z]+)"'
    )
    rooms = ("engine", "process", "scheduling", "breaker.py", "cli.py")
    files = [file for room in rooms for file in [kit / room, *(kit / room).rglob("*.py")]]
    events = {name for file in files if file.is_file() for name in logged.findall(file.read_text())}
    assert len(events) > 30
    for page in (ROOT / "docs/runbooks/deploy.md", PROJECT / "partials/runbooks/ko/deploy.md"):
        assert {name for name in events if f"`{name}`" not in page.read_text()} == set(), page
