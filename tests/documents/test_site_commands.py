"""Every command of the documentation site does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console import Step, pattern, steps
from node import node_modules
from reader import Reader
from rendering import PROJECT

pytestmark = pytest.mark.timeout(300)  # a page is many commands

DOCS = PROJECT / "docs"
KOREAN = sorted(DOCS.rglob("*.ko.md"))
# A Korean page has the steps of its English counterpart, which are followed there.
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if steps(page) and page not in KOREAN]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_page_can_be_followed(page: Path, reader: Reader) -> None:
    """Each command ends well and prints what stands below it."""
    if "NODE_MODULES" in page.read_text(encoding="utf-8"):
        reader.set("NODE_MODULES", str(node_modules()))
    for step in steps(page):
        try:
            reader.follow(step)
        except AssertionError as error:
            error.add_note(f"{page.relative_to(PROJECT)}, line {step.line}")
            raise


def test_a_wrong_page_is_found_out(tmp_path: Path, reader: Reader) -> None:
    """The test would be worth nothing if it believed every page."""
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one two\none ...\n$ echo three\nfour\n```\n")
    first, second = steps(page)
    reader.follow(first)
    with pytest.raises(AssertionError, match="four"):
        reader.follow(second)
    with pytest.raises(AssertionError, match="false"):
        reader.follow(Step("command", 1, "false"))


@pytest.mark.parametrize("page", KOREAN, ids=lambda page: page.name)
def test_a_korean_page_has_the_code_of_the_english_one(page: Path) -> None:
    """Only the words between the blocks differ."""
    english = page.with_name(page.name.replace(".ko.", "."))
    blocks = [re.findall(r"```.*?```", each.read_text(), re.DOTALL) for each in (page, english)]
    assert blocks[0] == blocks[1] != []
    prose = re.sub(r"```.*?```|`[^`]*`|<!--.*?-->", "", page.read_text(), flags=re.DOTALL)
    assert not re.search(r"\b(the|and|is)\b", prose)


def test_dots_stand_for_anything() -> None:
    """In a line for a part of it, alone for any number of lines."""
    assert pattern("a ... c\n...\nend").fullmatch("a b c\nx\ny\nend\n")
    assert pattern("a\n...").fullmatch("a\n")
    assert not pattern("a ... c").fullmatch("a b\nc\n")


def test_no_command_hides_from_the_test() -> None:
    """Commands stand in `console` blocks, where they are run or say why not."""
    for page in DOCS.rglob("*.md"):
        found = re.findall(r"^ *```(?:bash|sh|shell|zsh)\b", page.read_text(), re.MULTILINE)
        assert not found, page
