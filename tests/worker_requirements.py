"""Print what a worker with every module needs, so that one environment can test any of them."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from pathlib import Path

from rendering import render
from variants import EVERY_MODULE


def main() -> None:
    """Render a worker with every module and print its requirements, one a line."""
    with tempfile.TemporaryDirectory() as folder:
        worker = render(Path(folder), "payment", **EVERY_MODULE)
        settings = tomllib.loads((worker / "pyproject.toml").read_text())
    groups = settings["dependency-groups"]
    for requirement in (*settings["project"]["dependencies"], *groups["dev"]):
        sys.stdout.write(f"{requirement}\n")


if __name__ == "__main__":
    main()
