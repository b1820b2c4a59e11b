"""The commands for a repository that exists: update, add, remove, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gen_worker.shell import explained, template_root

if TYPE_CHECKING:
    from gen_worker.releases import Releases

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
    list[str], typer.Argument(metavar="MODULE...", help="Its name, as gen-worker list shows it.")
]


def _releases(ctx: typer.Context, *, offline: bool) -> Releases:
    from gen_worker.releases import Releases

    return Releases(template_root(ctx), offline=offline)


def update(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="REPOSITORY", help="The repository.")] = Path(),
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
        bool, typer.Option("--abort", help="Undo an update that was not finished.")
    ] = False,
    overwrite: _Overwrite = False,
    commit: _Commit = False,
    dry_run: _DryRun = False,
    offline: _Offline = False,
    as_json: _Json = False,
) -> None:
    """Bring a worker repository to this version of the template.

    The working tree must be clean. The outcome is staged, to be looked at; --finish commits it
    and --abort undoes it. Exit code 3 means that conflicts are left for you to resolve.
    """
    from gen_worker.update import abort as undo
    from gen_worker.update import finish as complete
    from gen_worker.update_report import aborted_text, finished_json, finished_text

    if finish and abort:
        raise typer.BadParameter("--finish and --abort exclude each other.")
    if not (finish or abort):
        _run(ctx, path, to, settings or [], {}, overwrite, commit, dry_run, offline, as_json)
    with explained(as_json=as_json):
        if abort:
            typer.echo(aborted_text(undo(path)))
            return
        finished = complete(_releases(ctx, offline=offline), path)
    typer.echo(finished_json(finished) if as_json else finished_text(finished))
    raise typer.Exit(finished.exit_code)


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
    wanted = dict.fromkeys(modules, True)
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
    """Remove modules from a worker repository; your edits in them are named first."""
    unwanted = dict.fromkeys(modules, False)
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
) -> None:
    from gen_worker.plan import Wish
    from gen_worker.update import update as run
    from gen_worker.update_report import updated_json, updated_text

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
    """Show how a worker repository differs from what the template renders."""
    import sys

    from gen_worker.compare import difference

    with explained():
        releases = _releases(ctx, offline=offline)
        found = difference(
            releases, path, upstream=upstream, names=names, color=sys.stdout.isatty()
        )
    sys.stdout.buffer.write(found)
    sys.stdout.buffer.flush()
    raise typer.Exit(1 if exit_code and found else 0)
