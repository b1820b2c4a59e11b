"""The reference of the engine: each name in it is one of the kit's."""

from __future__ import annotations

import re
from importlib import import_module

from rendering import PROJECT


def test_the_names_of_the_reference_exist() -> None:
    """A name that has moved would stop `make docs`."""
    names = re.findall(
        r"^::: (.*)$", (PROJECT / "docs/reference/engine.md").read_text(), re.MULTILINE
    )
    assert names
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), name
