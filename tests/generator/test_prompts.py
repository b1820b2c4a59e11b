"""At a real terminal it asks, and what is answered there equals what flags say."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import command, contents, invoke
from terminal import CTRL_C, CTRL_D, DOWN, ENTER, SPACE, Terminal


def test_enter_takes_the_presets_values(tmp_path: Path, sample_template: Path) -> None:
    """Pressing Enter throughout makes what --yes makes."""
    asked = tmp_path / "asked"
    asked.mkdir()
    with Terminal(command("payment", "--no-git", template=sample_template), asked) as terminal:
        terminal.expect("The preset")
        terminal.type(ENTER)
        terminal.expect("Modules")
        terminal.type(ENTER)
        terminal.expect("The mail provider")
        terminal.type(ENTER)
        terminal.expect("Jobs at once (advice: 1-3)")
        terminal.expect("2")
        terminal.type(ENTER)
        terminal.expect("Be strict")
        terminal.type(ENTER)
        terminal.expect("worker-payment is ready")
        assert terminal.finish() == 0
    invoke("payment", "--yes", "--no-git", "--dir", str(tmp_path), template=sample_template)
    assert contents(asked / "worker-payment") == contents(tmp_path / "worker-payment")


def test_answers_equal_flags(tmp_path: Path, sample_template: Path) -> None:
    """Every kind of prompt: a list, ticks, a line to edit with a mistake in it, yes or no."""
    asked, flagged = tmp_path / "asked", tmp_path / "flagged"
    asked.mkdir()
    flagged.mkdir()
    with Terminal(command("orders", "--no-git", template=sample_template), asked) as terminal:
        terminal.expect("The preset")
        terminal.expect("blank: nothing yet")
        terminal.type(ENTER)
        terminal.expect("Modules")
        terminal.type(SPACE + DOWN + SPACE + ENTER)  # mail and public-data
        terminal.expect("The mail provider")
        terminal.type(DOWN + ENTER)
        terminal.expect("Jobs at once (advice: measure)")
        terminal.type("\x7f0" + ENTER)  # 5 becomes 0
        terminal.expect("At least 1.")
        terminal.type("\x7f7" + ENTER)
        terminal.expect("Be strict")
        terminal.type("y")
        assert terminal.finish() == 0
    flags = ["--with", "mail", "--with", "public-data", "--set", "mail_provider=ses"]
    flags += ["--concurrency", "7", "--set", "strict=yes", "--no-git", "--dir", str(flagged)]
    invoke("orders", *flags, template=sample_template)
    assert contents(asked / "worker-orders") == contents(flagged / "worker-orders")


def test_flags_are_not_asked_again(tmp_path: Path, sample_template: Path) -> None:
    """Only what no flag said is a question."""
    flags = ["--preset", "blank", "--without", "mail", "--without", "public-data"]
    with Terminal(
        command("x", *flags, "--set", "strict=no", template=sample_template), tmp_path
    ) as terminal:
        terminal.expect("Jobs at once")
        terminal.type(ENTER)
        assert terminal.finish() == 0
        for question in ("The preset", "Modules", "mail provider", "strict?"):
            assert question not in terminal.screen


@pytest.mark.parametrize("flag", ["--yes", "--json"])
def test_yes_and_json_never_ask(tmp_path: Path, sample_template: Path, flag: str) -> None:
    """Even at a terminal."""
    with Terminal(command("payment", flag, template=sample_template), tmp_path) as terminal:
        assert terminal.finish() == 0
        assert "The preset" not in terminal.screen


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_leaving_a_question_writes_nothing(tmp_path: Path, sample_template: Path, key: str) -> None:
    """Ctrl-C anywhere, Ctrl-D at an empty line: one sentence, exit code 130."""
    with Terminal(
        command("x", "--preset", "blank", "--without", "mail", template=sample_template), tmp_path
    ) as terminal:
        terminal.expect("Modules")
        terminal.type(ENTER)
        terminal.expect("Jobs at once")
        terminal.type("\x7f" + key)
        terminal.expect("Stopped; nothing was written.")
        assert terminal.finish() == 130
    assert not list(tmp_path.iterdir())
