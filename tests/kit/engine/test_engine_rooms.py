"""The rooms of the engine: imports run downwards only, and in no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import worker_payment.kit.engine

ENGINE = Path(worker_payment.kit.engine.__file__).parent
KIT = "worker_payment.kit"
ROOMS = ["worker", "run", "job", "store"]  # the upper ones first


def imports(file: Path) -> Iterator[str]:
    """Name every module that a file imports, also for types and inside functions."""
    here = [KIT, "engine", *file.relative_to(ENGINE).with_suffix("").parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            parent = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{parent}.{each.name}" for each in node.names)


def modules() -> dict[str, Path]:
    """The engine's modules by their names, without the packages' own files."""
    return {
        ".".join([KIT, "engine", *file.relative_to(ENGINE).with_suffix("").parts]): file
        for file in ENGINE.rglob("*.py")
        if file.name != "__init__.py"
    }


def imported_modules() -> dict[str, set[str]]:
    """For each module of the engine, the others that it imports."""
    known = modules()
    return {
        name: {
            other
            for found in imports(file)
            for other in (found, found.rpartition(".")[0])
            if other in known
        }
        for name, file in known.items()
    }


def room(module: str) -> int:
    """The number of a module's room; what all rooms share comes last."""
    name = module.removeprefix(f"{KIT}.engine.").split(".")[0]
    return ROOMS.index(name) if name in ROOMS else len(ROOMS)


def test_a_room_imports_only_from_the_rooms_below() -> None:
    upwards = [
        f"{module} imports {other}"
        for module, others in imported_modules().items()
        for other in others
        if room(other) < room(module)
    ]
    assert not upwards


def test_no_circle_of_imports() -> None:
    order = TopologicalSorter(imported_modules()).static_order()
    assert len(list(order)) == len(modules())


def test_the_engine_imports_nothing_of_the_worker_around_it() -> None:
    """Of its own package the engine imports itself and the helper for lazy names."""
    foreign = [
        f"{file.relative_to(ENGINE)} imports {found}"
        for file in ENGINE.rglob("*.py")
        for found in imports(file)
        if found.startswith("worker_payment.")
        and not found.startswith((f"{KIT}.engine.", f"{KIT}.lazy."))
    ]
    assert not foreign
