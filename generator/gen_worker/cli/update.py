"""The commands for one repository: update, add, remove, diff, status."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gen_worker.cli.console import echo, explained, releases_of
from gen_worker.cli.options import (
    DryRun,
    Json,
    Offline,
    Overwrite,
    Repository,
    Settings,
    To,
    refuse_together,
)

_Commit = Annotated[
    bool, typer.Option("--commit", help="Commit the result if there are no conflicts.")
]
_In = Annotated[
    Path,
    typer.Option("--in", metavar="REPOSITORY", help="The repository. Default: this folder."),
]
_Modules = Annotated[
    list[str], typer.Argument(metavar="MODULE", help="Names as in gen-worker list.")
]


def update(
    ctx: typer.Context,
    path: Repository = Path(),
    to: To = None,
    settings: Settings = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="Commit an update whose conflicts are resolved.")
    ] = False,
    abort: Annotated[
        bool,
        typer.Option(
            "--abort", help="Undo an unfinished update; with --overwrite also your edits in it."
        ),
    ] = False,
    overwrite: Overwrite = False,
    commit: _Commit = False,
    dry_run: DryRun = False,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Update a worker repository to this version of the template.

    The worker's folder must have no uncommitted changes. The result is staged for review: --finish
    commits it, --abort undoes it. For many repositories see gen-worker fleet.

    Exit code 3: conflicts are left to resolve.
    """
    started = {"--to": to, "--set": settings, "--commit": commit, "--dry-run": dry_run}
    if finish:
        others = {"--abort": abort, "--overwrite": overwrite}
        refuse_together("--finish", others | started)
        _finish(ctx, path, offline=offline, as_json=as_json)
    if abort:
        refuse_together("--abort", started)
        _abort(path, overwrite=overwrite, as_json=as_json)
    _run(ctx, path, to, settings or [], {}, overwrite, commit, dry_run, offline, as_json)


def add(
    ctx: typer.Context,
    modules: _Modules,
    path: _In = Path(),
    settings: Settings = None,
    overwrite: Overwrite = False,
    commit: _Commit = False,
    dry_run: DryRun = False,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Add modules to a worker repository, without changing its version."""
    wanted = dict.fromkeys(_split(modules), True)
    _run(ctx, path, None, settings or [], wanted, overwrite, commit, dry_run, offline, as_json)


def remove(
    ctx: typer.Context,
    modules: _Modules,
    path: _In = Path(),
    overwrite: Overwrite = False,
    commit: _Commit = False,
    dry_run: DryRun = False,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Remove modules from a worker repository.

    Lists files of these modules that you edited, and stops if there are any.
    """
    unwanted = dict.fromkeys(_split(modules), False)
    _run(ctx, path, None, [], unwanted, overwrite, commit, dry_run, offline, as_json)


def diff(
    ctx: typer.Context,
    path: Repository = Path(),
    upstream: Annotated[
        bool, typer.Option("--upstream", help="Compare with the newest version, not its own.")
    ] = False,
    names: Annotated[
        bool, typer.Option("--name-only", help="List the files, not the lines.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 if anything differs.")
    ] = False,
    offline: Offline = False,
) -> None:
    """Show how a worker repository differs from its template."""
    from gen_worker.update.compare import difference

    with explained():
        color = sys.stdout.isatty()
        releases = releases_of(ctx, offline=offline)
        found = difference(releases, path, upstream=upstream, names=names, color=color)
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()
    raise typer.Exit(1 if exit_code and found else 0)


def status(
    ctx: typer.Context, path: Repository = Path(), offline: Offline = False, as_json: Json = False
) -> None:
    """Show version, edits and git state of a worker repository.

    Exit code 0: up to date. 1: outdated, or something is unknown. 3: conflicts.
    """
    from gen_worker.cli.report_status import one_json, one_text, status_exit_code
    from gen_worker.fleet.status import status_of

    with explained(as_json=as_json):
        releases = releases_of(ctx, offline=offline)
        found = status_of(releases, _worker(path))
        echo((one_json if as_json else one_text)(found, releases.label))
    raise typer.Exit(status_exit_code([found]))


def _run(
    ctx: typer.Context,
    path: Path,
    to: str | None,
    settings: list[str],
    modules: dict[str, bool],
    overwrite: bool,
    commit: bool,
    dry_run: bool,
    offline: bool,
    as_json: bool,
) -> NoReturn:
    """Update a repository and print the result."""
    if dry_run:
        refuse_together("--dry-run", {"--commit": commit})
    from gen_worker.cli.report_update import updated_json, updated_text
    from gen_worker.update.plan import Wish
    from gen_worker.update.steps import update as run

    with explained(as_json=as_json):
        wish = Wish(to, settings, modules, overwrite)
        releases = releases_of(ctx, offline=offline)
        updated = run(releases, _worker(path), wish, dry_run=dry_run, commit=commit)
        echo((updated_json if as_json else updated_text)(updated))
    raise typer.Exit(updated.exit_code)


def _finish(ctx: typer.Context, path: Path, *, offline: bool, as_json: bool) -> NoReturn:
    from gen_worker.cli.report_update import finished_json, finished_text
    from gen_worker.update.steps import finish

    with explained(as_json=as_json):
        finished = finish(releases_of(ctx, offline=offline), path)
        echo((finished_json if as_json else finished_text)(finished))
    raise typer.Exit(finished.exit_code)


def _abort(path: Path, *, overwrite: bool, as_json: bool) -> NoReturn:
    from gen_worker.cli.report_update import aborted_json, aborted_text
    from gen_worker.update.steps import abort

    with explained(as_json=as_json):
        folder = abort(path, overwrite=overwrite)
        echo((aborted_json if as_json else aborted_text)(folder))
    raise typer.Exit


def _worker(path: Path) -> Path:
    """Find the worker repository; name the command for many if the path is a folder of them.

    Raises:
        UserMistakeError: The path is no worker repository but holds some.
    """
    from gen_worker.errors import GenWorkerError, NotAWorkerError, UserMistakeError
    from gen_worker.fleet.find import find_workers
    from gen_worker.repository.worktree import find_repository

    try:
        return find_repository(path).folder
    except NotAWorkerError:
        try:
            count = len(find_workers([path]).workers)
        except GenWorkerError:
            return path.resolve()  # the command says what is wrong with it
        if count > 1:
            raise UserMistakeError(
                f"{path} holds {count} worker repositories; for many use gen-worker fleet."
            ) from None
    return path.resolve()


def _split(modules: list[str]) -> list[str]:
    """Split arguments that name several modules, separated by commas."""
    from gen_worker.new.flags import listed

    return [name for text in modules for name in listed(text)]
