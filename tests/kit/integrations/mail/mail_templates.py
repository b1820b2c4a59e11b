"""Templates for the tests of mail."""

from __future__ import annotations

from pathlib import Path

TEMPLATES = {
    "order/subject.txt": "Order {{ number }}\n",
    "order/body.txt": "Dear {{ name }},\nthank you.\n",
    "order/body.html": (
        "<p>Dear {{ name }}</p>{% if logo is defined %}<img src='cid:logo'>{% endif %}"
    ),
    "note/subject.txt": "Note",
    "note/body.txt": "{{ text }}",
}

BROKEN = "{% for %}"
# What a template may not do, and what is told of it.
MISTAKES = [
    ("{{ ''.__class__.__mro__ }}", "SecurityError"),
    ("{{ data.pop('x') }}", "SecurityError"),  # values belong to the job
    ("{% if %}", "TemplateSyntaxError"),
    ("{{ 1 / data.zero }}", "ZeroDivisionError"),
    ("{% include 'absent.txt' %}", "absent.txt"),
]


def write_templates(folder: Path, files: dict[str, str]) -> Path:
    """Write template files below a folder, and return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
