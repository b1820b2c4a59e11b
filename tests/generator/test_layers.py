"""The generator's packages import downwards only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendering import PROJECT

PACKAGE = PROJECT / "generator" / "gen_worker"
# From the top down; packages in one layer do not import each other.
LAYERS = (
    {"cli"},
    {"fleet"},
    {"new", "update"},
    {"versions"},
    {"repository"},
    {"template"},
    {"errors"},
)


def imported(file: Path) -> Iterator[str]:
    """Yield the packages of the generator that a module imports, in functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where they lead"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("gen_worker."))


def layer(package: str) -> int:
    """Return how far down a package lies."""
    return next(number for number, names in enumerate(LAYERS) if package in names)


def modules() -> list[Path]:
    """List the modules of the packages; the two at the top only start the program."""
    return [file for file in sorted(PACKAGE.rglob("*.py")) if file.stem[:2] != "__"]


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_lead_down(file: Path) -> None:
    """A module imports its own package and the ones below."""
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    upwards = {name for name in imported(file) if name != own and layer(name) <= layer(own)}
    assert not upwards


def test_every_package_has_its_layer() -> None:
    """A new package is put into its place, or the test above would not look at it."""
    assert {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in modules()} == set(
        map(str, set().union(*LAYERS))
    )


def test_no_package_imports_in_a_circle() -> None:
    """Inside of a package, too, imports lead one way."""
    names = {
        file: ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts) for file in modules()
    }
    edges = {name: _edges(file, set(names.values())) for file, name in names.items()}
    while edges:
        free = {name for name, found in edges.items() if not found & set(edges)}
        assert free, f"a circle: {sorted(edges)}"
        edges = {name: found for name, found in edges.items() if name not in free}


def _edges(file: Path, known: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found & known
