"""Rendering in memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gen_worker.errors import TemplateError
from gen_worker.new.create import Made, Request, create
from gen_worker.new.flags import Choices


@pytest.fixture
def template(sample_template: Path, tmp_path: Path) -> Path:
    """A copy of the sample template that a test may break."""
    return Path(shutil.copytree(sample_template, tmp_path / "template"))


def rendered(template: Path, tmp_path: Path, *settings: str) -> Made:
    """Render without writing."""
    choices = Choices("payment", settings=settings)
    return create(Request(choices, tmp_path, template, dry_run=True))


def test_files_keep_their_bytes_and_executable_bits(template: Path, tmp_path: Path) -> None:
    """Templates are rendered, everything else is copied, git's one mode bit survives."""
    made = rendered(template, tmp_path, "strict=yes")
    files = {file.path: file for file in made.files}
    assert made.paths == [
        ".copier-answers.yml",
        "PAYMENT.md",
        "README.md",
        "docs/PAYMENT.md",
        "logo.bin",
        "run.sh",
        "strict/rules.txt",
        "twice.txt",
        "worker_payment/__init__.py",
        "worker_payment/mail/__init__.py",
    ]
    assert files["run.sh"].executable
    assert not files["README.md"].executable
    assert files["logo.bin"].content == b"\x00\xff{{binary}}"
    assert files["twice.txt"].content == b"twice 2\n"
    assert files["README.md"].content.startswith(b"head of worker_payment\nPAYMENT smtp")


def test_excluded_options_leave_nothing(template: Path, tmp_path: Path) -> None:
    """A module that is not chosen and a folder whose name renders to nothing do not appear."""
    made = rendered(template, tmp_path, "with_mail=no", "preset=blank")
    assert made.paths == [
        ".copier-answers.yml",
        "README.md",
        "logo.bin",
        "run.sh",
        "twice.txt",
        "worker_payment/__init__.py",
    ]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("bad.txt.jinja", "{{ worker_tipe }}", "bad.txt.jinja uses a wrong name: 'worker_tipe'"),
        ("bad.txt.jinja", "{% if %}", "bad.txt.jinja, line 1, is malformed"),
        ("{{ worker_tipe }}.txt", "", "'worker_tipe' is undefined"),
        ("{{ '..' }}", "", "would leave the new repository"),
        ("bad.txt.jinja", "{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_broken_template_is_named(
    template: Path, tmp_path: Path, file: str, text: str, message: str
) -> None:
    """A misspelt name is an error that says where, never an empty string."""
    (template / "template" / file).write_text(text)
    with pytest.raises(TemplateError, match=message):
        rendered(template, tmp_path)


def test_unsupported_jinja_settings_are_refused(template: Path, tmp_path: Path) -> None:
    """Other delimiters would render differently in Copier."""
    settings = template / "copier.yml"
    settings.write_text(
        settings.read_text().replace("  undefined:", "  trim_blocks: true\n  undefined:")
    )
    with pytest.raises(TemplateError, match="undefined and keep_trailing_newline only"):
        rendered(template, tmp_path)
