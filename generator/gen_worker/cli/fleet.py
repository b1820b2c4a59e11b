"""The commands for many repositories: fleet status, fleet update."""

from pathlib import Path
from typing import Annotated

import typer

from gen_worker.cli.command import Command, Group
from gen_worker.cli.console import SETTINGS, echo, explained, releases_of
from gen_worker.cli.options import (
    DryRun,
    Jobs,
    Json,
    Offline,
    Overwrite,
    Settings,
    To,
    refuse_together,
)

_TEST = "make test"
_Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH", help="Repositories, or folders to search for them."),
]

app = typer.Typer(
    cls=Group,
    help="Show or update many worker repositories.",
    context_settings=SETTINGS,
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command("status", cls=Command, context_settings=SETTINGS)
def status(
    ctx: typer.Context,
    paths: _Paths = None,
    jobs: Jobs = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Show version, edits and git state of many worker repositories.

    Exit code 0: all are up to date. 1: some are outdated, or something is unknown. 3: conflicts.
    """
    from gen_worker.cli.report_status import fleet_json, fleet_text, status_exit_code
    from gen_worker.fleet.find import find_workers
    from gen_worker.fleet.status import status_of_all

    with explained(as_json=as_json):
        releases = releases_of(ctx, offline=offline)
        found = find_workers(paths or [Path()])
        statuses = status_of_all(releases, found.workers, jobs)
        echo((fleet_json if as_json else fleet_text)(statuses, found.passed_over, releases.label))
    raise typer.Exit(status_exit_code(statuses))


@app.command("update", cls=Command, context_settings=SETTINGS, no_args_is_help=True)
def update(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Repositories, or folders to search for them."),
    ],
    to: To = None,
    settings: Settings = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    branch: Annotated[
        str | None,
        typer.Option("--branch", help="The branch to make. Default: gen-worker/VERSION."),
    ] = None,
    canary: Annotated[
        Path | None,
        typer.Option("--canary", metavar="PATH", help="The repository to update and test first."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            "--test",
            metavar="COMMAND",
            help=f'The command that must pass in the canary; "" for none. Default: {_TEST}.',
        ),
    ] = None,
    test_all: Annotated[
        bool, typer.Option("--test-all", help="Run the test command in every repository.")
    ] = False,
    max_failures: Annotated[
        int,
        typer.Option("--max-failures", metavar="N", min=0, help="Stop after N failures; 0: never."),
    ] = 5,
    pull_request: Annotated[
        bool,
        typer.Option("--pull-request", help="Push each branch and open a pull request with gh."),
    ] = False,
    jobs: Jobs = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Update many worker repositories, each on a branch of its own.

    Each branch has one commit on top of what is checked out; no working tree is changed. One
    repository, the canary, is updated and tested before the others.

    Exit code 0: nothing is left but reviews. 3: only conflicts are left. 1: something failed.
    """
    if dry_run:
        untested = {"--test": test, "--test-all": test_all, "--canary": canary}
        refuse_together("--dry-run", untested | {"--pull-request": pull_request})
    if test == "":
        refuse_together("an empty --test", {"--test-all": test_all, "--canary": canary})
    from gen_worker.cli.report_fleet import campaign_exit_code, campaign_json, campaign_text
    from gen_worker.fleet.campaign import Campaign, run_campaign
    from gen_worker.fleet.find import default_jobs, find_workers
    from gen_worker.update.plan import Wish

    campaign = Campaign(
        wish=Wish(to, settings or [], {}, overwrite),
        branch=branch,
        canary=canary,
        test=(_TEST if test is None else test) or None,
        test_all=test_all,
        max_failures=max_failures,
        dry_run=dry_run,
        pull_requests=pull_request,
        jobs=jobs or default_jobs(),
    )
    with explained(as_json=as_json):
        found = find_workers(paths)
        done = run_campaign(releases_of(ctx, offline=offline), found, campaign)
        echo((campaign_json if as_json else campaign_text)(done, found.passed_over))
    raise typer.Exit(campaign_exit_code(done))
