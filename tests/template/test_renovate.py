"""The generated repository's Renovate configuration is what Renovate understands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from rendering import render


def test_it_keeps_to_renovates_schema(tmp_path: Path) -> None:
    """By the schema that Renovate publishes."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.renovate", str(render(tmp_path) / "renovate.json")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_finds_the_answers_file(tmp_path: Path) -> None:
    """Renovate's Copier manager looks for it by name and reads two of its entries."""
    worker = render(tmp_path)
    settings = json.loads((worker / "renovate.json").read_text())
    assert settings["enabledManagers"] == ["copier"]
    assert re.search(r"(^|/)\.copier-answers(\..+)?\.ya?ml", ".copier-answers.yml")
    assert (worker / ".copier-answers.yml").is_file()
