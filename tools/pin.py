# ruff: noqa: INP001 - a script for whoever keeps the template
"""Pin what a generated worker's image is built from: `python tools/pin.py`.

Writes template/constraints.txt from the dependencies of every module, so that one file fits
every choice. It names no index: whoever installs decides where from.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "template" / "constraints.txt"


def catalog() -> dict[str, Any]:
    """The catalogue of presets and modules."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = yaml.safe_load(questions["catalog"]["default"])
    return found


def requirements() -> list[str]:
    """Everything a worker may depend on when it runs, and what builds its package."""
    project = (ROOT / "template" / "pyproject.toml.jinja").read_text(encoding="utf-8")
    core = project.partition("dependencies = [")[2].partition("{%")[0]
    build = project.partition("requires = [")[2].partition("]")[0]
    found = set(re.findall(r'"([^"]+)"', core + build))
    for module in catalog()["modules"].values():
        found.update(module["dependencies"])
        found.update(module.get("instrumented_by", []))
    found.update(catalog()["database_drivers"].values())
    return sorted(found)


def main() -> int:
    """Resolve the newest versions for every supported Python and system."""
    command = ["uv", "pip", "compile", "-", "--universal", "--python-version", "3.11"]
    quiet = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--upgrade"]
    return subprocess.run(  # noqa: S603 - our own arguments
        [*command, *quiet, "--output-file", str(TARGET)],
        input="\n".join(requirements()),
        text=True,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
