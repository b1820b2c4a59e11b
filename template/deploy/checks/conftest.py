"""What the checks look at: the files as they are deployed. Run by `make manifests`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = sorted(each.name for each in (ROOT / "deploy/kubernetes/overlays").iterdir())


def tool(name: str) -> str:
    """A program that was installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def build(overlay: str) -> list[dict[str, Any]]:
    """What kustomize makes of an overlay."""
    built = subprocess.run(
        [tool("kubectl"), "kustomize", str(ROOT / "deploy/kubernetes/overlays" / overlay)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


@pytest.fixture(params=OVERLAYS)
def resources(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Every resource of an overlay."""
    return build(request.param)


@pytest.fixture
def deployment(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """The worker's Deployment."""
    return next(each for each in resources if each["kind"] == "Deployment")
