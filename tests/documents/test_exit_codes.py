"""The reference lists every exit code of the worker, and no other."""

from __future__ import annotations

import re

from judging import PROJECT

ROW = re.compile(r"^\| (\d+) \| `([A-Z_]+)` \|", re.MULTILINE)
CODE = re.compile(r"^    ([A-Z_]+) = (\d+)  # \S", re.MULTILINE)


def test_the_table_of_exit_codes_is_the_codes_own() -> None:
    """The page and the enum name the same codes."""
    page = (PROJECT / "docs/reference/exit-codes.md").read_text()
    (source,) = PROJECT.glob("template/src/*/kit/process/exit_codes.py")
    codes = [(int(number), name) for name, number in CODE.findall(source.read_text())]
    assert [(int(number), name) for number, name in ROW.findall(page)] == codes
