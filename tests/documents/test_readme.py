"""The READMEs of the project: two languages, the same code, and the code runs."""

from __future__ import annotations

import re

import pytest
from rendering import PROJECT

READMES = ("README.md", "README.ko.md")


def processor_of(readme: str) -> str:
    """Return the processor that a README shows."""
    (shown,) = re.findall(
        r"^```python\n(.*?)^```$", (PROJECT / readme).read_text(), re.MULTILINE | re.DOTALL
    )
    return str(shown)


def test_both_readmes_show_one_processor() -> None:
    """Twelve lines at most, but for empty ones."""
    first, second = map(processor_of, READMES)
    assert first == second
    assert sum(bool(line) for line in first.splitlines()) <= 12


def test_the_processor_works() -> None:
    """As a file of a worker."""
    names: dict[str, object] = {"__name__": "worker_payment.processors.refund"}
    names["__package__"] = "worker_payment.processors"
    exec(compile(processor_of(READMES[0]), READMES[0], "exec"), names)  # noqa: S102 - that is the test
    refund = names["refund"]
    assert callable(refund)
    assert refund({"orderId": "A-1"}) == {"orderId": "A-1"}


@pytest.mark.parametrize("readme", READMES)
def test_links_lead_to_files(readme: str) -> None:
    """A name without a scheme is a file of the project."""
    named = re.findall(r"\]\((?!https?://|#)([^)#]+)", (PROJECT / readme).read_text())
    assert named
    assert [name for name in named if not (PROJECT / name).is_file()] == []
