"""Dockerfile, compose.yaml and manifests of every kind of worker, by their formats' validators."""

from __future__ import annotations

import fcntl
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from forks import Forks
from rendering import PROJECT, render
from variants import EVERY_MODULE, Rendered, Variant

TOOLS = PROJECT / ".cache" / "manifests"
REQUIREMENTS = PROJECT / "template" / "deploy" / "checks" / "requirements.txt"
CONSTRAINTS = PROJECT / "template" / "constraints.txt"

KINDS: dict[str, dict[str, object]] = {
    "plain": {"preset": "blank"},
    "every module": EVERY_MODULE | {"preset": "payment", "docs_language": "ko"},
    "mysql": {"with_database": True, "database_postgresql": False, "database_mysql": True},
    "mariadb": {"with_database": True, "database_postgresql": False, "database_mariadb": True},
    "a second": {"preset": "batch", "shutdown_timeout": 1},
    "a minute and a half": {"preset": "batch", "shutdown_timeout": 90},
    "an hour": {"preset": "batch", "shutdown_timeout": 3600},
}
# Apart from the repository's own settings of pytest, as `make manifests` runs them.
CHECKS = ("-c", "/dev/null", "-p", "no:cloudcoil", "-p", "no:cacheprovider")
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="session")
def python() -> Path:
    """A Python with the validators, in an environment of its own as `make manifests` has it."""
    TOOLS.parent.mkdir(exist_ok=True)
    made = TOOLS / "bin" / "python"
    ready = TOOLS / "requirements.txt"
    with TOOLS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests run in several processes
        if not ready.exists() or ready.read_text() != REQUIREMENTS.read_text():
            uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
            shutil.rmtree(TOOLS, ignore_errors=True)
            venv = [uv, "venv", "--quiet", "--python", sys.executable, str(TOOLS)]
            subprocess.run(venv, check=True)
            install = [uv, "pip", "install", "--quiet", "--python", str(made)]
            subprocess.run([*install, "--requirements", str(REQUIREMENTS)], check=True)
            shutil.copy(REQUIREMENTS, ready)
    return made


@pytest.fixture(scope="module", params=KINDS, ids=lambda name: name.replace(" ", "-"))
def worker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """A worker of each kind, which no test changes."""
    answers = KINDS[request.param]
    path = render(tmp_path_factory.mktemp("kind"), "payment", **answers)
    return Rendered(path, Variant("payment", answers))


# What the validators load and read once: the schemas of Kubernetes are read anew for each object.
VALIDATORS = """
import compose_spec, functools, kubernetes_validate, pytest
from cloudcoil.models.keda import v1alpha1
from kubernetes_validate import utils
utils.schema_contents = functools.cache(utils.schema_contents)
newest = kubernetes_validate.latest_version()
kubernetes_validate.validate({"apiVersion": "v1", "kind": "Namespace"}, newest, strict=True)
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
"""


@pytest.fixture(scope="module")
def checks(python: Path) -> Iterator[Forks]:
    """One process that has loaded the validators; the test of a broken manifest starts them anew."""
    each = f"os.chdir(folder)\nreturn int(pytest.main(['-q', *{CHECKS}, 'deploy/checks']))"
    with Forks([str(python)], VALIDATORS, each) as started:
        yield started


def test_files_fit_their_formats(worker: Rendered, checks: Forks) -> None:
    """By hadolint, the Compose specification, kustomize, and the schemas of Kubernetes and KEDA."""
    assert checks.problem(worker.path) == ""


def test_the_deadline_is_the_same_everywhere(worker: Rendered) -> None:
    """However long the answer is."""
    worker.run("pytest", "-q", "-p", "no:cacheprovider", "tests/test_contract.py")
    timeout = worker.variant.answers.get("shutdown_timeout", 25)
    compose = yaml.safe_load((worker.path / "compose.yaml").read_text())
    assert compose["services"]["worker"]["stop_grace_period"] == f"{timeout + 10}s"  # type: ignore[operator]


def test_the_check_fails_on_a_broken_manifest(python: Path, tmp_path: Path) -> None:
    """A validator that accepts everything would prove nothing."""
    path = render(tmp_path)
    for file, before, after in (
        ("compose.yaml", "stop_grace_period", "stop_grace_periods"),
        ("Dockerfile", "FROM python:${PYTHON} AS dependencies", "FROM python AS dependencies"),
        ("deploy/kubernetes/base/deployment.yaml", "revisionHistoryLimit", "revisionLimit"),
        ("deploy/kubernetes/overlays/autoscaled/scaled-object.yaml", "maxReplicaCount", "most"),
    ):
        text = (path / file).read_text()
        assert before in text
        (path / file).write_text(text.replace(before, after, 1))
    checks = path / "deploy" / "checks"
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", *CHECKS, str(checks)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    for name in ("compose_file", "dockerfile_is_clean[Dockerfile]", "schemas[autoscaled]"):
        assert re.search(rf"FAILED \S*{re.escape(name)}", done.stdout), done.stdout


def test_every_dependency_is_pinned_and_no_index_is_named() -> None:
    """`python tools/pin.py` brings constraints.txt up to date."""
    text = CONSTRAINTS.read_text()
    pinned = {re.split(r"[=;\s]", line)[0] for line in text.splitlines()}
    needed = runpy.run_path(str(PROJECT / "tools" / "pin.py"))["requirements"]()
    names = {re.split(r"[\[<>=~]", each)[0].lower() for each in needed}
    assert names <= pinned
    assert "://" not in text
    assert "index" not in text
