"""Modules of the project's own template are added, removed and updated."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import pytest
from command import contents, git
from gen_worker.template.catalog import load_catalog, module_question
from gen_worker.template.definition import load_template
from gen_worker.versions.history import own_history
from judging import complete
from lab import Lab, commit, project_lab
from plain_copier import copier
from rendering import PROJECT

MODULES = list(load_catalog(load_template(PROJECT)).modules)
RELEASES = history.releases() if (history := own_history(PROJECT)) else []


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The project's template as it is committed, tagged v0.1.0; and with a version after that.

    The next one touches every source file, a dependency and a document.
    """
    folder = tmp_path_factory.mktemp("project")
    settings = folder / "gitconfig"
    settings.write_text("[user]\n\tname = Tester\n\temail = tester@localhost\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GIT_CONFIG_GLOBAL", str(settings))
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        first, following = project_lab(folder / "lab", PROJECT), Lab(folder / "next")
        shutil.copytree(first.template, following.template)
        files: dict[str, str | None] = {}
        for path in (following.template / "template" / "src").rglob("*.py"):
            name = str(path.relative_to(following.template))
            files[name] = path.read_text() + "\n# A line of the next version.\n"
        files |= following.edit(
            "template/pyproject.toml.jinja", '"structlog>=', '"added>=1",\n    "structlog>='
        )
        files["template/NEXT.md.jinja"] = "{{ modules | join(' ') }}\n"
        following.release("v0.2.0", files)
    return {"v0.1.0": first.template, "v0.2.0": following.template}


@pytest.fixture
def lab(templates: dict[str, Path], tmp_path: Path) -> Lab:
    """A laboratory with the first version, which no test changes."""
    made = Lab(tmp_path / "lab")
    made.template = templates["v0.1.0"]
    return made


@pytest.fixture
def next_lab(templates: dict[str, Path], tmp_path: Path) -> Lab:
    """A laboratory with both versions, which no test changes."""
    made = Lab(tmp_path / "lab")
    made.template = templates["v0.2.0"]
    return made


def earlier_worker(lab: Lab, *settings: str, folder: Path | None = None) -> Path:
    """Make a worker from the version before the newest one."""
    git(lab.template, "checkout", "--quiet", "v0.1.0")
    try:
        return lab.worker("payment", *settings, folder=folder)
    finally:
        git(lab.template, "checkout", "--quiet", "v0.2.0")


def only(module: str) -> list[str]:
    """Choose one module, what it needs, and no other."""
    return chosen(complete([module]))


def chosen(modules: Collection[str]) -> list[str]:
    """Choose these modules and no other."""
    return [f"{module_question(name)}={str(name in modules).lower()}" for name in MODULES]


NONE = chosen(())


@pytest.mark.parametrize("module", [None, *MODULES])
def test_updated_is_what_a_fresh_render_is(next_lab: Lab, module: str | None) -> None:
    """For every module, with every source file changed."""
    settings = only(module) if module else NONE
    worker = earlier_worker(next_lab, *settings)
    done = next_lab.update(worker)
    assert done.exit_code == 0, done.stderr
    assert contents(worker) == next_lab.rendered("payment", *settings)


@pytest.mark.timeout(600)
def test_plain_copier_update_gives_the_same_worker(next_lab: Lab) -> None:
    """Nothing that gen-worker does beside the merge is needed for a working repository."""
    worker = earlier_worker(next_lab, *only("ftp"))
    copier("update", cwd=worker)
    assert contents(worker) == next_lab.rendered("payment", *only("ftp"))


@pytest.mark.parametrize("module", MODULES)
def test_added_and_removed_again(lab: Lab, module: str) -> None:
    """Added it is as if it had been chosen at once; removed no trace is left."""
    worker = lab.worker("payment", *chosen(complete([module]) - {module}))
    without = contents(worker)
    at_once = lab.rendered("payment", *only(module))
    added = lab.run("add", module, "--in", str(worker), "--commit")
    assert added.exit_code == 0, added.stderr
    assert contents(worker) == at_once
    removed = lab.run("remove", module, "--in", str(worker), "--commit")
    assert removed.exit_code == 0, removed.stderr
    assert contents(worker) == without


def test_modules_stay_at_the_repositorys_version(next_lab: Lab) -> None:
    """Adding one is no update."""
    worker = earlier_worker(next_lab, *NONE)
    at_once = contents(earlier_worker(next_lab, *only("ftp"), folder=next_lab.folder))
    assert next_lab.run("add", "ftp", "--in", str(worker)).exit_code == 0
    assert contents(worker) == at_once


def test_a_module_and_the_one_it_needs_come_and_go_together(lab: Lab) -> None:
    """One alone is refused in a sentence, and nothing is changed."""
    worker = lab.worker("payment", *NONE)
    before = contents(worker)
    added = lab.run("add", "outbox", "--in", str(worker))
    assert (added.exit_code, "It needs the module database." in added.stderr) == (2, True)
    assert contents(worker) == before
    assert lab.run("add", "database,outbox", "--in", str(worker), "--commit").exit_code == 0
    assert contents(worker) == lab.rendered("payment", *only("outbox"))
    removed = lab.run("remove", "database", "--in", str(worker))
    assert (removed.exit_code, "It needs the module database." in removed.stderr) == (2, True)


def test_an_edited_module_is_not_removed_silently(lab: Lab) -> None:
    """Its edited files are named, and so are the files that use it."""
    worker = lab.worker("payment", "with_mail=true")
    edited = "src/worker_payment/kit/integrations/mail/__init__.py"
    user = "src/worker_payment/processors/own.py"
    commit(
        worker,
        {
            edited: (worker / edited).read_text() + "\nMINE = True\n",
            user: "from ..kit.integrations.mail import mailer\n\n__all__ = ['mailer']\n",
        },
    )
    before = contents(worker)
    refused = lab.run("remove", "mail", "--in", str(worker))
    assert refused.exit_code == 1
    assert f"delete: {edited}" in refused.stderr
    assert contents(worker) == before
    done = lab.run("remove", "mail", "--in", str(worker), "--overwrite")
    assert done.exit_code == 0, done.stderr
    assert f"These files still use mail:\n  {user}" in done.stdout
    assert not (worker / edited).exists()


def test_several_modules_may_be_written_with_commas(lab: Lab) -> None:
    """As after --with."""
    worker = lab.worker("blank", *NONE)
    lab.run("add", "mail,ftp", "--in", str(worker), "--commit")
    recorded = (worker / ".copier-answers.yml").read_text()
    assert "with_mail: true" in recorded
    assert "with_ftp: true" in recorded
    done = lab.run("remove", "mail, ftp", "--in", str(worker), "--commit")
    assert done.exit_code == 0, done.stderr
    assert contents(worker) == lab.rendered("blank", *NONE)


@pytest.mark.parametrize("command", ["add", "remove"])
def test_an_unknown_module_is_refused(lab: Lab, command: str) -> None:
    """With what was probably meant."""
    worker = lab.worker("payment")
    done = lab.run(command, "mial", "--in", str(worker))
    assert done.exit_code == 2
    assert 'has no module "mial". Did you mean "mail"?' in done.stderr


def test_what_is_there_already_needs_no_adding(lab: Lab) -> None:
    """It is said, and it is no failure."""
    worker = lab.worker("payment", "with_mail=true")
    done = lab.run("add", "mail", "--in", str(worker))
    assert done.exit_code == 0
    assert "is up to date" in done.stdout


@pytest.mark.parametrize("tag", [*RELEASES, "HEAD"])
def test_every_released_version_reaches_this_one(tag: str, tmp_path: Path) -> None:
    """From the first release on; a worker of each preset's default kind."""
    if own_history(PROJECT) is None:
        tag = "v0.1.0"  # an unpacked archive: its own files are the only version
        template = project_lab(tmp_path / "lab", PROJECT).template
    else:
        template = tmp_path / "clone"
        git(tmp_path, "clone", "--quiet", str(PROJECT), str(template))
    lab = Lab(tmp_path / "workers")
    lab.template = template
    newest = git(template, "rev-parse", "HEAD")
    git(template, "checkout", "--quiet", tag)
    worker = lab.worker("payment")
    git(template, "checkout", "--quiet", newest)
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr
    assert contents(worker) == lab.rendered("payment")
