"""How the kit's rooms may import one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import PACKAGE, ROOT

KIT = ROOT / "src" / PACKAGE / "kit"
FILES = sorted(path for path in KIT.rglob("*.py") if "migrations" not in path.parts)


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules of this package that a file imports, as parts of their full names."""
    package = (PACKAGE, *path.relative_to(KIT.parent).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield (*base, *(node.module or "").split(".")) if node.module else base
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            yield tuple((node.module or "").split("."))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KIT)))
def test_the_kit_imports_nothing_of_the_owner_s(path):
    """`worker.py` hands in what the kit needs."""
    assert {found[:2] for found in imports(path)} <= {(PACKAGE, "kit")}


# A room imports what stands below it, never what stands above.
FLOORS = [
    {"lazy", "log", "answers", "failed", "texts", "translated"},
    {"engine"},
    {"module"},
    {"composition", "config"},
    {"jobs", "breaker", "signs", "contracts", "scheduling", "process"},
    {"inspection"},
    {"integrations"},
    {"scaffold", "testing", "cli"},
    {"entry"},
]


def test_every_room_stands_on_a_floor():
    rooms = {path.relative_to(KIT).parts[0].removesuffix(".py") for path in FILES} - {"__init__"}
    assert rooms == set().union(*FLOORS)


def test_rooms_import_downwards_only():
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    upwards = set()
    for path in FILES:
        room = path.relative_to(KIT).parts[0].removesuffix(".py")
        for found in imports(path):
            if len(found) > 2 and room in floor and floor[found[2]] > floor[room]:
                upwards.add((room, found[2]))
    assert upwards == set()
