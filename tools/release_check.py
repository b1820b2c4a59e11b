# ruff: noqa: INP001 - a script for whoever makes the release
"""Build a release as it would be published, install it where nothing else is, and use it.

From a clean clone of the last commit: the source archive, and the wheel from the unpacked archive.
A fresh environment then makes a worker, adds and removes a module; a later release is installed
over the first and updates the worker, without network. `--dist FOLDER` checks a wheel that was
built already and leaves it alone.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
NEXT = "v9999.0.0"  # a release after this one, for the update
_IDENTITY = ("-c", "user.name=gen-worker", "-c", "user.email=gen-worker@localhost")


class Machine:
    """A clean environment: its own Python packages, caches, git settings and home."""

    def __init__(self, folder: Path) -> None:
        """Make it.

        Args:
            folder: An empty folder.
        """
        self.bin = folder / "venv" / "bin"
        self.home = folder / "home"
        self.home.mkdir()
        run(sys.executable, "-m", "venv", str(folder / "venv"))

    def install(self, wheel: Path) -> None:
        """Install a wheel over what is there."""
        run(str(self.bin / "python"), "-m", "pip", "install", "--quiet", "--upgrade", str(wheel))

    def gen_worker(self, *arguments: str, cwd: Path) -> str:
        """Run the installed command."""
        return run(str(self.bin / "gen-worker"), *arguments, cwd=cwd, environment=self._variables)

    def copier(self, *arguments: str, cwd: Path) -> str:
        """Run the Copier that came with it."""
        return run(str(self.bin / "copier"), *arguments, cwd=cwd, environment=self._variables)

    @property
    def _variables(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        return {**kept, "PATH": path, "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"}


def run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed; a failure ends the check with its output."""
    done = subprocess.run(  # noqa: S603 - fixed programs
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def clone(folder: Path) -> Path:
    """Clone the project; a commit that is no release becomes one there."""
    source = folder / "source"
    run("git", "clone", "--quiet", str(PROJECT), str(source))
    tags = run("git", "tag", "--points-at", "HEAD", cwd=source).split()
    if not any(re.fullmatch(r"v\d+(\.\d+)*", tag) for tag in tags):
        run("git", "tag", "v9998.0.0", cwd=source)
    return source


def build(source: Path, to: Path) -> Path:
    """Build the source archive, and the wheel from the unpacked archive; return the wheel."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(to), cwd=source)
    archive = next(to.glob("*.tar.gz"))
    with tempfile.TemporaryDirectory() as unpacked:
        with tarfile.open(archive) as opened:
            opened.extractall(unpacked)  # noqa: S202 - our own archive, made a moment ago
        root = next(Path(unpacked).iterdir())
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(to), cwd=root)
    return next(to.glob("*.whl"))


def build_next(source: Path, to: Path) -> Path:
    """Build a later release that changes a document and the engine."""
    (source / "template" / "NEXT.md").write_text("A later release.\n")
    worker = next((source / "template" / "src").glob("*/kit/engine/worker/worker.py"))
    worker.write_text(worker.read_text() + "\n# A line of a later release.\n")
    run("git", "add", "--all", cwd=source)
    run("git", *_IDENTITY, "commit", "--quiet", "--message", NEXT, cwd=source)
    run("git", "tag", NEXT, cwd=source)
    return build(source, to)


def use(machine: Machine, work: Path) -> None:
    """Make workers and change their modules with the release."""
    for name in ("payment", "orders"):
        machine.gen_worker(name, "--yes", "--quiet", cwd=work)
    worker = work / "worker-payment"
    machine.gen_worker("add", "ftp", "--commit", "--offline", cwd=worker)
    machine.gen_worker("remove", "ftp", "--commit", "--offline", cwd=worker)
    machine.gen_worker("status", ".", "--offline", cwd=work)
    difference = machine.gen_worker("diff", "--offline", cwd=worker)
    if difference:
        raise SystemExit(f"A worker differs from its own template:\n{difference}")


def update(machine: Machine, work: Path) -> None:
    """Update the workers with the later release, in both ways, and compare with fresh ones."""
    machine.gen_worker("update", "--commit", "--offline", cwd=work / "worker-payment")
    address = (work / "worker-orders" / ".copier-answers.yml").read_text()
    if "releases.bundle" in address:  # else it would need the network
        machine.copier("update", "--defaults", "--quiet", cwd=work / "worker-orders")
    fresh = work / "fresh"
    fresh.mkdir()
    for name in ("payment", "orders") if "releases.bundle" in address else ("payment",):
        machine.gen_worker(name, "--yes", "--quiet", cwd=fresh)
        compare(work / f"worker-{name}", fresh / f"worker-{name}")
    machine.gen_worker("status", str(work / "worker-payment"), "--offline", cwd=work)


def compare(left: Path, right: Path) -> None:
    """Demand that two folders hold the same."""
    found = filecmp.dircmp(left, right, ignore=[".git"])
    pending = [found]
    while pending:
        one = pending.pop()
        if different := [*one.left_only, *one.right_only, *one.diff_files]:
            raise SystemExit(f"{one.left} and {one.right} differ in {different}")
        pending += one.subdirs.values()


def main() -> None:
    """Run the whole check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dist", type=Path, help="a folder with a wheel that was built already")
    chosen: Path | None = parser.parse_args().dist
    with tempfile.TemporaryDirectory(prefix="release-check-") as temporary:
        folder = Path(temporary)
        source = clone(folder)
        built, later, work = (folder / name for name in ("dist", "later", "work"))
        work.mkdir()
        if chosen:
            shutil.copytree(chosen, built)
            wheel = next(built.glob("*.whl"))
        else:
            say("building")
            wheel = build(source, built)
        next_wheel = build_next(source, later)
        say(f"installing {wheel.name}")
        machine = Machine(folder)
        machine.install(wheel)
        say(machine.gen_worker("--version", cwd=work).strip())
        use(machine, work)
        say(f"installing {next_wheel.name}")
        machine.install(next_wheel)
        update(machine, work)
        say("the release can be made: it installs, generates, and updates without network")


if __name__ == "__main__":
    main()
