"""What gen-worker renders is what Copier renders: same files, same bytes, same executable bits."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from command import commit_all, contents, run
from copier import Settings, run_copy
from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from gen_worker.template.catalog import load_catalog
from gen_worker.template.definition import load_template
from plain_copier import copier, each_text_compiled_once
from plumbum import local
from rendering import PROJECT

PRESETS = list(load_catalog(load_template(PROJECT)).presets)
TEMPLATE_PARTS = ("copier.yml", "template", "partials")


def plain_copy(root: Path, to: Path) -> Path:
    """Copy a template without git history."""
    to.mkdir()
    for part in TEMPLATE_PARTS:
        source = root / part
        if source.is_dir():
            shutil.copytree(source, to / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, to / part)
    return to


def assert_same(template: Path, tmp_path: Path, answers: dict[str, Any]) -> None:
    """Render with both and compare everything but the recorded source."""
    name = answers["worker_type"]
    settings = [f"{key}={value}" for key, value in answers.items() if key != "worker_type"]
    (tmp_path / "ours").mkdir()
    ours = create(
        Request(Choices(name, settings=settings), tmp_path / "ours", template, git=False)
    ).target
    theirs = tmp_path / "theirs" / f"worker-{name}"
    # Copier runs git once per file, for nothing in a plain folder.
    with each_text_compiled_once(), local.env(PATH=""):
        run_copy(str(template), theirs, answers, defaults=True, quiet=True, settings=Settings())
    left, right = contents(ours), contents(theirs)
    assert without_source(left) == without_source(right)


def without_source(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out the lines of the answers file that differ on purpose."""
    answers, executable = found[".copier-answers.yml"]
    lines = [line for line in answers.splitlines() if not line.startswith((b"_src", b"_commit"))]
    return {**found, ".copier-answers.yml": (lines, executable)}


@pytest.mark.parametrize(
    "answers",
    [
        {"worker_type": "payment"},
        {"worker_type": "order-sync"},
        {"worker_type": "payment", "with_mail": False, "strict": True},
        {"worker_type": "x", "with_mail": True, "mail_provider": "ses", "concurrency": 9},
        {"worker_type": "x", "preset": "payment", "with_public_data": True},
    ],
    ids=str,
)
def test_every_feature_renders_as_in_copier(
    sample_template: Path, tmp_path: Path, answers: dict[str, Any]
) -> None:
    """The sample template uses all that the generator supports."""
    assert_same(plain_copy(sample_template, tmp_path / "template"), tmp_path, answers)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_renders_as_in_copier(preset: str, tmp_path: Path) -> None:
    """The project's own template, preset by preset."""
    template = plain_copy(PROJECT, tmp_path / "template")
    assert_same(template, tmp_path, {"worker_type": preset})


def test_every_module_renders_as_in_copier(tmp_path: Path) -> None:
    """The project's own template with every yes-or-no question answered against its default."""
    template = plain_copy(PROJECT, tmp_path / "template")
    questions = [name for name in load_template(PROJECT).questions if name.startswith("with_")]
    answers = dict.fromkeys(questions, True)
    assert_same(template, tmp_path, {"worker_type": "every-thing", **answers})


def test_plain_copier_copy_on_a_checkout_gives_what_the_command_gives(tmp_path: Path) -> None:
    """Both command lines, as a user types them, on the same tagged repository."""
    checkout = plain_copy(PROJECT, tmp_path / "checkout")
    commit_all(checkout, "v0.1.0")
    made = run("payment", "--yes", "--no-git", cwd=tmp_path, template=checkout)
    assert made.returncode == 0, made.stderr
    given = ("--data", "worker_type=payment")
    copier("copy", str(checkout), "theirs", *given, cwd=tmp_path)
    ours, theirs = contents(tmp_path / "worker-payment"), contents(tmp_path / "theirs")
    assert without_source(ours) == without_source(theirs)
    # Of a tagged checkout even the recorded source agrees.
    assert ours[".copier-answers.yml"] == theirs[".copier-answers.yml"]
