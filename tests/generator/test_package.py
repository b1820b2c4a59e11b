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
from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from rendering import PROJECT


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last commit, as a release would be built from it."""
    folder = tmp_path_factory.mktemp("source") / "clone"
    command = ["git", "clone", "--quiet", str(PROJECT), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=100,
    )
    return folder


def test_the_wheel_makes_the_same_worker_and_updates_it(
    built: Path, source: Path, tmp_path: Path
) -> None:
    """Unpacked on the path, without a checkout or a network; its bundle is the history."""
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(unpacked)  # noqa: S202 - it was built right here
        for member in wheel.infolist():  # what an installer does with executable bits
            if member.external_attr >> 16 & 0o111:
                (unpacked / member.filename).chmod(0o755)

    def gen_worker(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gen_worker", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(unpacked)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    done = gen_worker("payment", "--json")
    made = json.loads(done.stdout)["template"]
    assert made["updates"] is True
    assert Path(made["source"]).name == "releases.bundle"
    assert "names no public address" in done.stderr
    (tmp_path / "checkout").mkdir()
    worker = tmp_path / "worker-payment"
    ours = contents(worker)
    theirs = contents(create(Request(Choices("payment"), tmp_path / "checkout", source)).target)
    del ours[".copier-answers.yml"], theirs[".copier-answers.yml"]
    assert ours == theirs
    gen_worker("add", "ftp", "--in", str(worker), "--commit", "--offline")
    gen_worker("remove", "ftp", "--in", str(worker), "--commit", "--offline")
    assert gen_worker("diff", str(worker), "--offline").stdout == ""
    assert "is up to date" in gen_worker("update", str(worker), "--offline").stdout


def test_the_archives_hold_no_litter(built: Path) -> None:
    """The wheel has the package and the template; the source archive can build it again."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert "gen_worker/_template/copier.yml" in names
    assert any(name.startswith("gen_worker/_template/template/") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gen_worker"}
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    assert {"copier.yml", "pyproject.toml", "LICENSE", "generator/gen_worker/cli/app.py"} <= sources
    assert "releases.bundle" in sources
    assert "gen_worker/_template/releases.bundle" in names
    assert not [name for name in (*names, *sources) if "__pycache__" in name or ".venv" in name]


def test_copier_is_one_that_runs_nothing_untrusted(source: Path) -> None:
    """Before 9.17.2, `copier update` could run commands without being told to trust them."""
    import tomllib

    from gen_worker.template.definition import parse_yaml

    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    assert "copier>=9.17.2,<10" in project["dependencies"]
    settings = (source / "copier.yml").read_text().partition("\n_subdirectory")[0]
    assert parse_yaml(settings)["_min_copier_version"] == "9.17.2"
