"""The command as a user types it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from command import contents, git, invoke, run
from gen_worker.template.catalog import load_catalog
from gen_worker.template.definition import load_template
from rendering import PROJECT


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in an empty folder of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# --- Making a worker -------------------------------------------------------------------------
def test_a_name_is_enough(here: Path) -> None:
    """The one command of the README, in a process of its own, with the project's template."""
    done = run("payment", cwd=here)
    assert done.returncode == 0, done.stderr
    worker = here / "worker-payment"
    assert git(worker, "log", "--format=%s") == "Make worker-payment with gen-worker"
    assert git(worker, "status", "--porcelain") == ""
    assert "worker-payment is ready: " in done.stdout
    assert "first commit made" in done.stdout
    assert done.stdout.endswith("Next:\n  cd worker-payment\n  make demo\n")
    assert "\x1b" not in done.stdout, "no colors outside a terminal"


def test_options_may_stand_on_either_side_of_the_name(here: Path, sample_template: Path) -> None:
    """A user does not care which comes first."""
    for number, arguments in enumerate((["--yes", "--no-git", "x"], ["x", "--no-git", "--yes"])):
        parent = here / str(number)
        parent.mkdir()
        done = invoke(*arguments, "--dir", str(parent), template=sample_template)
        assert done.exit_code == 0
    assert contents(here / "0") == contents(here / "1")


def test_all_options_reach_the_answers(here: Path, sample_template: Path) -> None:
    """Each option changes what is recorded."""
    done = invoke(
        *("orders", "--preset", "payment", "--with", "public-data", "--without", "mail"),
        *("--concurrency", "9", "--set", "strict=yes", "--yes", "--no-git", "--json"),
        template=sample_template,
    )
    made = json.loads(done.stdout)
    assert made["answers"] == {
        "worker_type": "orders",
        "preset": "payment",
        "with_mail": False,
        "with_public_data": True,
        "concurrency": 9,
        "strict": True,
    }
    assert not (here / "worker-orders" / ".git").exists()
    recorded = (here / "worker-orders" / ".copier-answers.yml").read_text()
    assert "with_public_data: true" in recorded
    assert "concurrency: 9" in recorded


def test_dir_says_where(here: Path, sample_template: Path) -> None:
    """The parent may be anywhere; the next command leads there."""
    (here / "some where").mkdir()
    done = invoke("x", "--dir", "some where", "--no-git", template=sample_template)
    assert (here / "some where" / "worker-x" / "README.md").exists()
    assert "cd 'some where/worker-x'" in done.stdout


def test_a_dry_run_shows_the_tree_and_writes_nothing(here: Path, sample_template: Path) -> None:
    """What it shows is what a real run writes."""
    done = invoke("payment", "--dry-run", template=sample_template)
    assert done.exit_code == 0
    assert "9 files, nothing written" in done.stdout
    assert "└── worker_payment/" in done.stdout
    assert "    └── mail/" in done.stdout
    assert not list(here.iterdir())
    planned = json.loads(invoke("payment", "--dry-run", "--json", template=sample_template).stdout)
    assert planned["dry_run"] is True
    assert planned["git_commit"] is None
    invoke("payment", "--no-git", template=sample_template)
    assert planned["files"] == sorted(contents(here / "worker-payment"))


def test_json_is_one_object_and_nothing_else(here: Path, sample_template: Path) -> None:
    """A script can rely on every key."""
    done = run("payment", "--json", cwd=here, template=sample_template)
    made = json.loads(done.stdout)
    assert made["name"] == "payment"
    assert made["path"] == str(here / "worker-payment")
    assert made["git_commit"] == git(here / "worker-payment", "rev-parse", "HEAD")
    assert set(made["template"]) == {"source", "commit", "updates"}
    assert made["next"] == ["cd worker-payment", "make demo"]
    assert made["dry_run"] is False


def test_quiet_prints_nothing(here: Path, sample_template: Path) -> None:
    """Not even the summary; warnings still go to the other stream."""
    done = invoke("payment", "--quiet", template=sample_template)
    assert done.exit_code == 0
    assert done.stdout == ""
    assert (here / "worker-payment").is_dir()


def test_without_git_it_warns_and_says_how_to_have_updates(
    here: Path, sample_template: Path
) -> None:
    """A machine without git still gets its worker."""
    environment = {"PATH": str(Path(sys.executable).parent / "nowhere")}
    done = run("payment", cwd=here, template=sample_template, environment=environment)
    assert done.returncode == 0
    assert "no git repository" in done.stdout
    assert "git is missing; updates need it" in done.stderr
    assert "git init && git add --all" in done.stderr


def test_it_never_asks_without_a_terminal(here: Path, sample_template: Path) -> None:
    """Standard input is not even read."""
    done = run("somename", "--no-git", cwd=here, template=sample_template)
    assert done.returncode == 0
    assert "?" not in done.stdout


# --- Refusals --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Payment"], 2, 'Try "payment".'),
        (["import"], 2, "it is a Python keyword"),
        (["--yes", "update"], 2, "it is a gen-worker command"),
        (["../evil"], 2, 'Try "evil".'),
        (["x", "--preset", "paymnt"], 2, 'Did you mean "payment"?'),
        (["x", "--with", "mial"], 2, 'Did you mean "mail"?'),
        (["x", "--without", "nothing-like-it"], 2, "Available: mail, public-data."),
        (["x", "--set", "concurency=3"], 2, 'Did you mean "concurrency"?'),
        (["x", "--set", "preset=blnk"], 2, 'Did you mean "blank"?'),
        (["x", "--concurrency", "0"], 2, "At least 1."),
        (["x", "--concurrency", "many"], 2, "must be a whole number"),
        (["x", "--json", "--quiet"], 2, "--quiet and --json exclude each other"),
        (["x", "--prest", "payment"], 2, "--preset"),
        (["x", "y"], 2, "unexpected extra argument"),
        (["--yes"], 2, "NAME"),
    ],
)
def test_refusals_are_short_and_write_nothing(
    here: Path, sample_template: Path, arguments: list[str], code: int, message: str
) -> None:
    """Standard error says what is wrong, standard output says nothing."""
    done = invoke(*arguments, template=sample_template)
    assert done.exit_code == code
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(here.iterdir())


def test_a_full_target_is_refused_before_anything_is_asked(
    here: Path, sample_template: Path
) -> None:
    """Nothing in it is touched."""
    target = here / "worker-payment"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    done = invoke("payment", template=sample_template)
    assert done.exit_code == 1
    assert done.stderr == f"Error: {target} exists and is not empty; nothing was changed.\n"
    assert contents(target) == {"mine.txt": (b"mine", False)}


def test_a_failure_is_json_too(here: Path, sample_template: Path) -> None:
    """A script reads one object, whatever happened."""
    done = invoke("import", "--json", template=sample_template)
    assert json.loads(done.stdout)["exit_code"] == done.exit_code == 2
    assert json.loads(done.stdout)["error"] in done.stderr
    assert not list(here.iterdir())


def test_colors_can_be_switched_off(sample_template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is respected where colors would show."""
    from gen_worker.cli import text

    assert text.bold("x") == "\x1b[1mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert (text.bold("x"), text.dim("x"), text.accent("x")) == ("x", "x", "x")
    assert "\x1b" not in invoke("x", "--dry-run", template=sample_template).stdout


def test_tables_align_what_a_terminal_shows_wide() -> None:
    """Korean letters take two columns, styles and combining marks none."""
    from gen_worker.cli import text

    rows = [("결제", "x"), ("e\u0301", "y"), (text.bold("four"), "z")]
    assert text.table(rows) == ["결제  x", "e\u0301     y", f"{text.bold('four')}  z"]


# --- The other commands ----------------------------------------------------------------------
def test_list_shows_presets_and_modules() -> None:
    """One line each, from copier.yml."""
    catalog = load_catalog(load_template(PROJECT))
    shown = [line.split()[0] for line in invoke("list").stdout.splitlines() if line]
    modules = ["Modules", *catalog.modules] if catalog.modules else []
    assert shown == ["Presets", *catalog.presets, *modules]


def test_list_as_json(sample_template: Path) -> None:
    """For scripts and completion."""
    assert json.loads(invoke("list", "--json", template=sample_template).stdout) == {
        "presets": [
            {
                "name": "payment",
                "title": "approves orders",
                "concurrency": 2,
                "advice": "1-3",
                "modules": ["mail"],
            },
            {
                "name": "blank",
                "title": "nothing yet",
                "concurrency": 5,
                "advice": "measure",
                "modules": [],
            },
        ],
        "modules": [
            {"name": "mail", "title": "sends mail"},
            {"name": "public-data", "title": "collects public data"},
        ],
    }


def test_list_names_modules_for_people(sample_template: Path) -> None:
    """Modules have a heading of their own."""
    shown = invoke("list", template=sample_template).stdout
    assert "Modules\n  mail         sends mail\n  public-data  collects public data\n" in shown


def test_version() -> None:
    """The version is the installed one."""
    from importlib.metadata import version

    assert invoke("--version").stdout == f"gen-worker {version('gen-worker')}\n"


def test_a_closed_pipe_is_no_error(here: Path) -> None:
    """`gen-worker list | head -0` ends quietly."""
    import subprocess

    from command import command

    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command("list"), cwd=here, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert b"Traceback" not in done.stderr
