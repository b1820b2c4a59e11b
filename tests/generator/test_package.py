"""The wheel: the template travels in it as plain files, and a worker comes out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from command import contents
from rendering import PROJECT, render


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        timeout=100,
    )
    return folder


def test_the_wheel_makes_the_same_worker(built: Path, tmp_path: Path) -> None:
    """Unpacked on the path, without the checkout, it renders the same files."""
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(unpacked)  # noqa: S202 - it was built right here
        for member in wheel.infolist():  # what an installer does with executable bits
            if member.external_attr >> 16 & 0o111:
                (unpacked / member.filename).chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "gen_worker", "payment", "--no-git", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    made = json.loads(done.stdout)
    assert made["template"]["updates"] is False, "a bare wheel knows no repository"
    assert "Updates are off" in done.stderr
    (tmp_path / "checkout").mkdir()
    ours = contents(tmp_path / "worker-payment")
    theirs = contents(render(tmp_path / "checkout", "payment"))
    del ours[".copier-answers.yml"], theirs[".copier-answers.yml"]
    assert ours == theirs


def test_the_archives_hold_no_litter(built: Path) -> None:
    """The wheel has the package and the template; the source archive can build it again."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert "gen_worker/_template/copier.yml" in names
    assert any(name.startswith("gen_worker/_template/template/") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gen_worker"}
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    assert {"copier.yml", "pyproject.toml", "LICENSE", "generator/gen_worker/cli.py"} <= sources
    assert not [name for name in (*names, *sources) if "__pycache__" in name or ".venv" in name]
