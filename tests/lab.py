"""A template repository made on the spot, with tagged versions, and workers made from it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from command import Outcome, commit_all, contents, git, invoke
from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from gen_worker.versions.history import own_history
from gen_worker.versions.origin import TEMPLATE_PARTS

PROCESSOR = "src/worker_payment/processors/payment.py"


class Lab:
    """A checkout of a template with its history, as its maintainers have it."""

    def __init__(self, folder: Path) -> None:
        """Use an empty folder.

        Args:
            folder: Where the template and the workers go.
        """
        self.folder = folder
        self.template = folder / "template-repository"
        self.workers = folder / "workers"
        self.workers.mkdir(parents=True)

    def release(self, tag: str, files: Mapping[str, str | None] | None = None) -> None:
        """Write files of the template, commit them and tag the commit.

        Args:
            tag: The version.
            files: Content by path; None deletes.
        """
        for name, content in (files or {}).items():
            path = self.template / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        commit_all(self.template, tag)

    def edit(self, name: str, old: str, new: str) -> dict[str, str | None]:
        """Replace a text in a file of the template, for `release`.

        Args:
            name: The file's path.
            old: What is there; a missing one would make the test test nothing.
            new: What comes in its place.

        Returns:
            The file's new content by its path.
        """
        text = (self.template / name).read_text()
        assert old in text, f"{name} does not hold {old!r}"
        return {name: text.replace(old, new)}

    def worker(self, name: str = "payment", *settings: str, folder: Path | None = None) -> Path:
        """Make a worker from the newest version, with a first commit.

        Args:
            name: Its name.
            *settings: `QUESTION=VALUE` texts.
            folder: Where to make it.

        Returns:
            Its repository.
        """
        parent = folder or self.workers
        return create(Request(Choices(name, settings=settings), parent, self.template)).target

    def fresh(self, name: str = "payment", *settings: str) -> Path:
        """Make the same worker elsewhere."""
        return self.worker(name, *settings, folder=self._elsewhere())

    def rendered(self, name: str = "payment", *settings: str) -> dict[str, tuple[bytes, bool]]:
        """Read the files that the same worker has anew, to compare with."""
        choices = Choices(name, settings=settings)
        return contents(
            create(Request(choices, self._elsewhere(), self.template, git=False)).target
        )

    def _elsewhere(self) -> Path:
        parent = self.folder / f"fresh-{len(list(self.folder.iterdir()))}"
        parent.mkdir()
        return parent

    def run(self, *arguments: str) -> Outcome:
        """Run gen-worker with this template."""
        return invoke(*arguments, template=self.template)

    def update(self, worker: Path, *arguments: str) -> Outcome:
        """Update one worker."""
        return self.run("update", str(worker), *arguments)


def sample_lab(folder: Path, sample: Path) -> Lab:
    """Make a laboratory with the sample template, tagged v0.1.0, that looks like a real one.

    Args:
        folder: An empty folder.
        sample: The sample template.

    Returns:
        The laboratory.
    """
    lab = Lab(folder)
    shutil.copytree(sample, lab.template)
    package = "template/src/{{ package_name }}"
    lab.release(
        "v0.1.0",
        {
            f"{package}/processors/{{{{ worker_type }}}}.py": lines("processor", 12),
            f"{package}/config/settings.py": lines("setting", 12),
            f"{package}/kit/worker.py": lines("engine", 8),
            f"{package}/kit/queue.py": lines("queue", 8),
            "template/pyproject.toml.jinja": (
                '[project]\nname = "worker-{{ worker_type }}"\nversion = "0.1.0"\n'
                'dependencies = [\n    "redis>=8",\n    "rq>=3",\n]\n\n'
                "[tool.ruff]\nline-length = 100\n"
            ),
            "template/GUIDE.md": lines("guide", 12),
        },
    )
    return lab


def lines(word: str, count: int) -> str:
    """Write a file of numbered lines."""
    return "".join(f"{word} line {number}\n" for number in range(1, count + 1))


def project_lab(folder: Path, project: Path) -> Lab:
    """Make a laboratory with the project's own template, as it is committed.

    Args:
        folder: An empty folder.
        project: The project's checkout, or a copy of its files without git.

    Returns:
        The laboratory, tagged v0.1.0.
    """
    lab = Lab(folder)
    lab.template.mkdir()
    history = own_history(project)
    head = history.find("HEAD") if history else None
    root = history.export(head) if history and head else project
    for part in TEMPLATE_PARTS:
        source = root / part
        if source.is_dir():
            shutil.copytree(source, lab.template / part)
        elif source.exists():
            shutil.copy(source, lab.template / part)
    lab.release("v0.1.0")
    return lab


def commit(worker: Path, files: Mapping[str, str | None], message: str = "My work") -> None:
    """Change files of a worker and commit them, as its owner would.

    Args:
        worker: The repository.
        files: Content by path; None deletes.
        message: The commit's message.
    """
    for name, content in files.items():
        path = worker / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(worker, "add", "--all")
    git(worker, "commit", "--quiet", "--message", message)


def replaced(worker: Path, name: str, old: str, new: str) -> dict[str, str | None]:
    """Replace a text in a worker's file, for `commit`."""
    text = (worker / name).read_text()
    assert old in text, f"{name} does not hold {old!r}"
    return {name: text.replace(old, new)}
