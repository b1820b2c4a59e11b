"""Help and completion of a program whose main command has no name."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
from pathlib import Path
from typing import Any

import golden
import pytest
from command import command, invoke, run
from gen_worker.cli.app import asked

OPTIONS = [
    *("--preset", "--with", "--without", "--concurrency", "--set", "--dir", "--yes"),
    *("--dry-run", "--no-git", "--quiet", "--json", "--version", "--install-completion"),
]


def complete(
    line: str, sample_template: Path, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Ask for completions of a command line, as bash does."""
    words = line.split(" ")
    return subprocess.run(
        command(template=sample_template, before=before),
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


@pytest.mark.parametrize(
    ("line", "typed", "completed"),
    [
        ("", None, None),
        ("-h", None, None),
        ("--version", None, None),
        ("update --json", "update", "update"),
        ("fleet status", "fleet", "fleet"),
        ("payment --yes", "new", "new"),
        ("--dry-run payment", "new", "new"),
        ("--pre", "new", "new"),
        ("up", "new", None),
        ("update", "update", None),
    ],
)
def test_only_the_command_that_is_asked_for_is_made(
    line: str, typed: str | None, completed: str | None
) -> None:
    """All of them where the line may mean each; a word that is being completed may."""
    words = f"gen-worker {line}"
    assert asked(line.split(), {}) == typed
    for variable in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        assert asked([], {"_GEN_WORKER_COMPLETE": "complete", variable: words}) == completed


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


def watch(*slow: str) -> str:
    """Write a program's first lines: at its end it prints which of some packages it loaded."""
    return (
        f"import atexit, sys; slow = {set(slow)!r}; "
        "atexit.register(lambda: print(sorted(slow & set(sys.modules)), file=sys.stderr))"
    )


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_imports_nothing_slow(tmp_path: Path, option: str) -> None:
    """It is kept as Typer renders it, and shown without Typer."""
    done = run(option, cwd=tmp_path, before=watch("typer", "gen_worker.cli", "inspect"))
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert done.stdout == golden.rendered_help()


def test_a_narrow_terminal_gets_a_folded_help(tmp_path: Path) -> None:
    """Typer folds it then."""
    done = run("--help", cwd=tmp_path, environment={"COLUMNS": "79"})
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) < 79
    assert done.stdout.split() == golden.rendered_help().split()


def test_a_wide_terminal_gets_the_same_help(tmp_path: Path) -> None:
    """Lines longer than 80 columns are hard to read."""
    done = run("--help", cwd=tmp_path, environment={"COLUMNS": "200"})
    assert done.stdout == golden.rendered_help()


def test_a_help_that_cannot_be_printed_is_a_failure(tmp_path: Path) -> None:
    """A full disk takes none of it."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("--help"), cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"Error: The help could not be printed: No space left on device.\n"


def test_making_a_worker_does_not_import_copier(tmp_path: Path, sample_template: Path) -> None:
    """Nor the prompts, when nothing is asked, nor what Typer converts harder values with."""
    slow = watch("copier", "questionary", "prompt_toolkit", "rich", "pydantic")
    words = ("x", "--quiet", "--preset", "blank", "--with", "mail", "--dir", "below")
    done = run(*words, cwd=tmp_path, template=sample_template, before=slow)
    assert done.returncode == 0
    assert done.stderr.endswith("[]\n")


def test_a_number_that_is_not_given_costs_nothing(tmp_path: Path, sample_template: Path) -> None:
    """Typer judges one that is given, and loads pydantic for it."""
    words = ("fleet", "status", ".")
    asked = run(*words, cwd=tmp_path, template=sample_template, before=watch("pydantic"))
    assert "There is no worker repository" in asked.stderr
    assert asked.stderr.endswith("[]\n")
    refused = run(*words, "--jobs", "0", cwd=tmp_path, template=sample_template)
    assert refused.returncode == 2
    assert "'--jobs': Input should be greater than or equal to 1" in refused.stderr


@pytest.mark.parametrize("line", ["gen-worker ", "gen-worker x --pre", "gen-worker fleet sta"])
def test_the_tab_key_loads_no_more_than_the_help(line: str, sample_template: Path) -> None:
    """A shell waits for it at each key; only values that the template defines need YAML."""
    slow = watch("copier", "jinja2", "yaml", "questionary", "pydantic", "rich")
    assert complete(line, sample_template, slow).stderr == "[]\n"


@pytest.mark.parametrize("name", ["app", "new", "update", "fleet", "client"])
def test_annotations_of_commands_are_no_texts(name: str) -> None:
    """Typer evaluates texts at every start, which takes longer than all else in it."""
    module = importlib.import_module(f"gen_worker.cli.{name}")
    found = [function for function in vars(module).values() if inspect.isfunction(function)]
    texts = [one for one in found if one.__module__ == module.__name__ and _texts(one)]
    assert not texts


def _texts(function: Any) -> bool:
    return any(isinstance(one, str) for one in function.__annotations__.values())


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
    assert complete(line, sample_template).stdout.split() == found
