"""The commands for repositories that exist: update, add, remove, diff, status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gen_worker.cli.console import explained, template_root

if TYPE_CHECKING:
    from gen_worker.versions.releases import Releases

_Offline = Annotated[
    bool,
    typer.Option("--offline", help="Use only the versions that came with gen-worker."),
]
_Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Delete and overwrite edited files where the template says so."
    ),
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; touch nothing.")]
_Commit = Annotated[
    bool, typer.Option("--commit", help="Commit at once if there are no conflicts.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Repository = Annotated[
    Path, typer.Option("--in", metavar="REPOSITORY", help="The repository, if not this folder.")
]
_Modules = Annotated[
    list[str], typer.Argument(metavar="MODULE", help="Its name, as gen-worker list shows it.")
]


def _releases(ctx: typer.Context, *, offline: bool) -> Releases:
    from gen_worker.versions.releases import Releases

    return Releases(template_root(ctx), offline=offline)


def update(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="A repository; or several, or a folder of repositories."
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="The version; gen-worker's own if not given."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="QUESTION=VALUE", help="Answer a question; repeatable."),
    ] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="Commit an update once its conflicts are resolved.")
    ] = False,
    abort: Annotated[
        bool,
        typer.Option(
            "--abort", help="Undo an unfinished update; with --overwrite also your edits in it."
        ),
    ] = False,
    overwrite: _Overwrite = False,
    commit: _Commit = False,
    dry_run: _DryRun = False,
    offline: _Offline = False,
    as_json: _Json = False,
    branch: Annotated[
        str | None,
        typer.Option("--branch", help="Many: the branch to make; else gen-worker/VERSION."),
    ] = None,
    canary: Annotated[
        Path | None, typer.Option("--canary", metavar="PATH", help="Many: which one goes first.")
    ] = None,
    test: Annotated[
        str,
        typer.Option(
            "--test", metavar="COMMAND", help='Many: what the canary must pass; "" = none.'
        ),
    ] = "make test",
    test_all: Annotated[
        bool, typer.Option("--test-all", help="Many: run the tests in every repository.")
    ] = False,
    max_failures: Annotated[
        int,
        typer.Option("--max-failures", metavar="N", min=0, help="Many: stop after N; 0 = never."),
    ] = 5,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Many: push, and open pull requests with gh.")
    ] = False,
) -> None:
    """Bring worker repositories to this version of the template.

    One repository: its working tree must be clean. The outcome is staged, to be looked at;
    --finish commits it, --abort undoes it. Many: each gets a branch with one commit, and no
    working tree is touched; the first one is tested before the rest follow.

    Exit code 3 means that conflicts are left for you to resolve.
    """
    chosen = paths or [Path()]
    if finish or abort:
        _refuse_beside(
            "--finish" if finish else "--abort",
            {
                "--abort": finish and abort,
                "--overwrite": finish and overwrite,
                "--to": to,
                "--set": settings,
                "--commit": commit,
                "--dry-run": dry_run,
                "--branch": branch,
                "--canary": canary,
                "--test-all": test_all,
                "--pull-request": pull_request,
                "several paths": len(chosen) > 1,
            },
        )
        _end(ctx, chosen[0], abort, overwrite, offline, as_json)
    if not _many(chosen):
        _run(ctx, chosen[0], to, settings or [], {}, overwrite, commit, dry_run, offline, as_json)
    from gen_worker.cli.report_fleet import campaign_exit_code, campaign_json, campaign_text
    from gen_worker.fleet.campaign import Campaign, run_campaign
    from gen_worker.fleet.find import find_workers
    from gen_worker.update.plan import Wish

    campaign = Campaign(
        wish=Wish(to, settings or [], {}, overwrite),
        branch=branch,
        canary=canary,
        test=test or None,
        test_all=test_all,
        max_failures=max_failures,
        dry_run=dry_run,
        pull_requests=pull_request,
    )
    with explained(as_json=as_json):
        outcomes = run_campaign(_releases(ctx, offline=offline), find_workers(chosen), campaign)
    typer.echo(campaign_json(outcomes) if as_json else campaign_text(outcomes))
    raise typer.Exit(campaign_exit_code(outcomes))


def _refuse_beside(option: str, others: dict[str, object]) -> None:
    """Refuse what has no meaning beside an option that ends an update."""
    for other, given in others.items():
        if given:
            raise typer.BadParameter(f"{option} and {other} exclude each other.")


def _many(paths: list[Path]) -> bool:
    """Tell a folder of repositories from a repository, or from a folder inside of one."""
    from gen_worker.errors import GenWorkerError
    from gen_worker.fleet.find import find_workers
    from gen_worker.repository.worktree import find_repository

    if len(paths) > 1:
        return True
    try:
        find_repository(paths[0])
    except GenWorkerError:
        try:
            return find_workers(paths) != [paths[0].resolve()]
        except GenWorkerError:
            return False  # the single update says what is wrong
    return False


def _end(
    ctx: typer.Context, path: Path, undo: bool, overwrite: bool, offline: bool, as_json: bool
) -> NoReturn:
    """Finish an update or undo it."""
    from gen_worker.cli.report_update import aborted_text, finished_json, finished_text
    from gen_worker.update.steps import abort, finish

    with explained(as_json=as_json):
        if undo:
            typer.echo(aborted_text(abort(path, overwrite=overwrite)))
            raise typer.Exit
        finished = finish(_releases(ctx, offline=offline), path)
    typer.echo(finished_json(finished) if as_json else finished_text(finished))
    raise typer.Exit(finished.exit_code)


def status(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Where to look for repositories."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="How many at the same time.")
    ] = None,
    offline: _Offline = False,
    as_json: _Json = False,
) -> None:
    """Show version, edits, git state of worker repositories.

    Exit code 0: all are up to date. 1: some are behind, or something is unknown. 3: conflicts.
    """
    from gen_worker.cli.report_fleet import status_exit_code, status_json, status_text
    from gen_worker.fleet.status import status_of_all

    with explained(as_json=as_json):
        releases = _releases(ctx, offline=offline)
        found = status_of_all(releases, paths or [Path()], jobs)
    show = status_json if as_json else status_text
    typer.echo(show(found, releases.label))
    raise typer.Exit(status_exit_code(found))


def _split(modules: list[str]) -> list[str]:
    """Take modules apart that were written with commas between them."""
    from gen_worker.new.flags import listed

    return [name for text in modules for name in listed(text)]


def add(
    ctx: typer.Context,
    modules: _Modules,
    path: _Repository = Path(),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="QUESTION=VALUE", help="Answer a question of the module."),
    ] = None,
    overwrite: _Overwrite = False,
    commit: _Commit = False,
    dry_run: _DryRun = False,
    offline: _Offline = False,
    as_json: _Json = False,
) -> None:
    """Add modules to a worker repository, at the version it has."""
    wanted = dict.fromkeys(_split(modules), True)
    _run(ctx, path, None, settings or [], wanted, overwrite, commit, dry_run, offline, as_json)


def remove(
    ctx: typer.Context,
    modules: _Modules,
    path: _Repository = Path(),
    overwrite: _Overwrite = False,
    commit: _Commit = False,
    dry_run: _DryRun = False,
    offline: _Offline = False,
    as_json: _Json = False,
) -> None:
    """Remove modules from a worker repository.

    Files of theirs that you edited are named first.
    """
    unwanted = dict.fromkeys(_split(modules), False)
    _run(ctx, path, None, [], unwanted, overwrite, commit, dry_run, offline, as_json)


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
    from gen_worker.cli.report_update import updated_json, updated_text
    from gen_worker.update.plan import Wish
    from gen_worker.update.steps import update as run

    with explained(as_json=as_json):
        wish = Wish(to, settings, modules, overwrite)
        releases = _releases(ctx, offline=offline)
        updated = run(releases, path, wish, dry_run=dry_run, commit=commit)
    typer.echo(updated_json(updated) if as_json else updated_text(updated))
    raise typer.Exit(updated.exit_code)


def diff(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="REPOSITORY", help="The repository.")] = Path(),
    upstream: Annotated[
        bool, typer.Option("--upstream", help="Compare with the newest version, not its own.")
    ] = False,
    names: Annotated[
        bool, typer.Option("--name-only", help="List the files instead of the lines.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something differs.")
    ] = False,
    offline: _Offline = False,
) -> None:
    """Show how a worker repository differs from its template."""
    import sys

    from gen_worker.update.compare import difference

    with explained():
        releases = _releases(ctx, offline=offline)
        found = difference(
            releases, path, upstream=upstream, names=names, color=sys.stdout.isatty()
        )
    sys.stdout.buffer.write(found)
    sys.stdout.buffer.flush()
    raise typer.Exit(1 if exit_code and found else 0)
