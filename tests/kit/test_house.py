"""How the kit's rooms may import one another."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from support import PACKAGE, ROOT

KIT = ROOT / "src" / PACKAGE / "kit"
FILES = sorted(path for path in KIT.rglob("*.py") if "migrations" not in path.parts)


@cache
def imports(path: Path) -> set[tuple[str, ...]]:
    """The modules of this package that a file imports, as parts of their full names."""
    found: set[tuple[str, ...]] = set()
    package = (PACKAGE, *path.relative_to(KIT.parent).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            found.add((*base, *node.module.split(".")) if node.module else base)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            found.add(tuple((node.module or "").split(".")))
    return found


def test_the_kit_imports_nothing_of_the_owner_s():
    """`worker.py` hands in what the kit needs."""
    outside = {
        str(path.relative_to(KIT)): [".".join(each) for each in others]
        for path in FILES
        if (others := {each for each in imports(path) if each[:2] != (PACKAGE, "kit")})
    }
    assert outside == {}


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
