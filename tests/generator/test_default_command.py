"""Help and completion of a program whose main command has no name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import PROGRAM, invoke, run

OPTIONS = [
    *("--preset", "--with", "--without", "--concurrency", "--set", "--dir", "--yes"),
    *("--dry-run", "--no-git", "--quiet", "--json", "--version", "--install-completion"),
]


def complete(line: str, sample_template: Path) -> list[str]:
    """Ask for completions of a command line, as bash does."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(sample_template)],
        env={
            "_GEN_WORKER_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split()


def test_help_shows_everything_at_once() -> None:
    """The example, the name, every option and the commands."""
    shown = invoke("--help").stdout
    assert shown.startswith(
        "Usage: gen-worker NAME [OPTIONS]\n       gen-worker COMMAND [OPTIONS]\n"
    )
    assert "Example:\n    gen-worker payment" in shown
    for option in OPTIONS:
        assert f"{option} " in shown
    assert re.search(r"list +Show the presets and modules\.", shown)
    assert invoke("-h").stdout == shown


def test_nothing_typed_shows_the_help() -> None:
    """As an error, since nothing was done."""
    done = invoke()
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.strip() == invoke("--help").stdout.strip()


def test_help_after_a_name_is_the_commands_own() -> None:
    """It does not show the hidden command's name."""
    shown = invoke("payment", "--help").stdout
    assert shown.startswith("Usage: gen-worker ")
    assert "gen-worker new" not in shown


def test_errors_do_not_show_the_hidden_command() -> None:
    """Nor do mistakes."""
    assert "Usage: gen-worker [OPTIONS]" in invoke("payment", "--nonsense").stderr


def test_help_imports_nothing_slow(tmp_path: Path) -> None:
    """Copier, Jinja, YAML, questionary and rich stay unloaded: that is what makes it quick."""
    watch = (
        "import atexit, sys; "
        "slow = {'copier', 'jinja2', 'yaml', 'questionary', 'prompt_toolkit', 'pydantic', 'rich'}; "
        "atexit.register(lambda: print(sorted(slow & set(sys.modules)), file=sys.stderr))"
    )
    done = run("--help", cwd=tmp_path, before=watch)
    assert done.returncode == 0
    assert done.stderr == "[]\n"


def test_making_a_worker_does_not_import_copier(tmp_path: Path, sample_template: Path) -> None:
    """Nor the prompts, when nothing is asked."""
    watch = (
        "import atexit, sys; "
        "slow = {'copier', 'questionary', 'prompt_toolkit', 'rich'}; "
        "atexit.register(lambda: print(sorted(slow & set(sys.modules)), file=sys.stderr))"
    )
    done = run("x", "--quiet", cwd=tmp_path, template=sample_template, before=watch)
    assert done.returncode == 0
    assert done.stderr.endswith("[]\n")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("gen-worker --pre", ["--preset"]),
        ("gen-worker x --dr", ["--dry-run"]),
        ("gen-worker x --preset ", ["payment", "blank"]),
        ("gen-worker --preset pay", ["payment"]),
        ("gen-worker x --with ", ["mail", "public-data"]),
        ("gen-worker x --without pub", ["public-data"]),
        ("gen-worker x --set conc", ["concurrency="]),
        ("gen-worker li", ["list"]),
        ("gen-worker list --j", ["--json"]),
        ("gen-worker --vers", ["--version"]),
    ],
)
def test_the_shell_completes(sample_template: Path, line: str, found: list[str]) -> None:
    """Options with and without a name before them, and the values of the catalogue."""
    assert complete(line, sample_template) == found
