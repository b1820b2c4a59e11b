"""Make one worker repository: the steps of a run, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gen_worker.new.first_commit import COMMANDS, make_repository
from gen_worker.new.flags import Choices, answer
from gen_worker.new.names import check_name
from gen_worker.new.write import check_target, write
from gen_worker.repository.git import has_git
from gen_worker.template.catalog import Catalog, load_catalog
from gen_worker.template.definition import load_template
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Answers, Asker, Questionnaire
from gen_worker.template.render import File, render
from gen_worker.versions.origin import Source, find_source


class Request(NamedTuple):
    """What to make and where.

    Attributes:
        choices: What the flags said about the worker.
        parent: The folder in which the repository is made.
        template_root: The folder that holds copier.yml.
        dry_run: Render, but write nothing.
        git: Make a git repository with a first commit.
    """

    choices: Choices
    parent: Path
    template_root: Path
    dry_run: bool = False
    git: bool = True


class Made(NamedTuple):
    """What a run made, or would have made.

    Attributes:
        target: The repository's folder.
        answers: All answers.
        catalog: The presets and modules they were chosen from.
        files: Every file.
        source: Where the template comes from.
        dry_run: Nothing was written.
        commit: The first commit; None without git.
        warnings: What the user should know.
    """

    target: Path
    answers: Answers
    catalog: Catalog
    files: list[File]
    source: Source
    dry_run: bool
    commit: str | None = None
    warnings: Sequence[str] = ()

    @property
    def paths(self) -> list[str]:
        """The files' paths, sorted."""
        return sorted(file.path for file in self.files)


def create(request: Request, asker: Asker | None = None) -> Made:
    """Make a worker repository.

    Args:
        request: What to make and where.
        asker: Asks a person for what no flag said; None never asks.

    Raises:
        GenWorkerError: Something is refused; nothing was written.
        OSError: The disk refused; nothing is left behind.
    """
    template = load_template(request.template_root)
    catalog = load_catalog(template)
    name = check_name(request.choices.name, catalog.reserved_names)
    target = request.parent.absolute() / f"worker-{name}"
    check_target(target)  # before asking questions in vain

    renderer = Renderer(template)
    questionnaire = Questionnaire(template, renderer)
    answers = answer(request.choices, template, catalog, questionnaire, asker)
    source = find_source(request.template_root)
    files = render(template, renderer, answers, source.metadata)

    with_git = request.git and has_git()
    warnings = [source.remark] if source.remark else []
    if request.git and not with_git:
        warnings.append(f"git is missing; updates need it. Later, in the new folder: {COMMANDS}")

    def finish(folder: Path) -> str | None:
        message = f"Make worker-{name} with gen-worker"
        return make_repository(folder, message) if with_git else None

    commit = None if request.dry_run else write(files, target, finish)
    return Made(target, answers, catalog, files, source, request.dry_run, commit, warnings)
