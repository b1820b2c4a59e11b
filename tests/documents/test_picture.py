"""The picture of the READMEs: it shows what the demo prints today."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from rendering import PROJECT

PICTURE = PROJECT / "docs" / "terminal.svg"


def lines() -> list[str]:
    """List the lines that the picture shows."""
    root = ET.parse(PICTURE).getroot()  # noqa: S314 - our own file
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_picture_shows_both_commands() -> None:
    """And how they are typed."""
    shown = [line for line in lines() if line.startswith("$ ")]
    assert shown == ["$ gen-worker payment --yes", "$ cd worker-payment && make demo"]


def test_the_picture_says_what_the_demo_says() -> None:
    """`python tools/picture.py` draws it anew when the demo's texts change."""
    demo = (PROJECT / "template" / "demo" / "run.py.jinja").read_text()
    headlines = [line for line in lines() if re.match(r"\d\. ", line)]
    assert len(headlines) >= 4
    for line in headlines:
        # What is filled in stands between braces.
        parts = re.split(r"payment\.approve|{.*}", line)
        assert all(part in demo for part in parts), line
