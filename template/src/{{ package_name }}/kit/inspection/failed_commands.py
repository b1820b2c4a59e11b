"""`failed`, `suspend` and `resume` on the command line.

With the database, its module adds a `failed` of its own, which knows more of each job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..process.exit_codes import ExitCode

if TYPE_CHECKING:
    from .failed import FailedEntry, FailedJobs, Wanted

failed = typer.Typer(no_args_is_help=True, help="Jobs that failed for good.")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

JobIds = Annotated[list[str] | None, typer.Argument(help="Ids of jobs; all when none is given.")]
JobName = Annotated[str | None, typer.Option("--job", help="Part of the job's name.")]
Since = Annotated[
    str | None, typer.Option(help="Failed since: 30m, 2h, 7d, or 2026-01-31T09:00 in UTC.")
]
ErrorText = Annotated[str | None, typer.Option("--error", help="Part of the error's text.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the oldest first.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Everything = Annotated[bool, typer.Option("--all", help="Allow it without an id or a filter.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show the payload's values unmasked.")]


@failed.command("list")
def list_command(
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """List failed jobs, the oldest first."""
    with _failed_jobs() as (jobs, scrub):
        entries = jobs.find(_wanted(None, job, since, error, limit))
    for entry in entries:
        if as_json:
            typer.echo(json.dumps(_record(entry, scrub, reveal=reveal), ensure_ascii=False))
        else:
            said = scrub(entry.error)[:100]
            typer.echo(f"{_moment_text(entry)}  {entry.job_type}  {entry.job_id}  {said}")
    if not entries and not as_json:
        typer.echo("none")


@failed.command("show")
def show_command(
    job_id: Annotated[str, typer.Argument(help="Id of the job.")],
    reveal: Reveal = False,
    as_json: AsJson = False,
) -> None:
    """Show one failed job with its payload and traceback."""
    with _failed_jobs() as (jobs, scrub):
        entries = jobs.find(_wanted([job_id], None, None, None, 1))
    if not entries:
        typer.echo(f"no failed job {job_id}", err=True)
        raise typer.Exit(ExitCode.FAILED)
    record = _record(entries[0], scrub, reveal=reveal)
    record["traceback"] = scrub(entries[0].traceback)
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False))
        return
    for name, value in record.items():
        text = json.dumps(value, ensure_ascii=False) if name == "payload" else value
        typer.echo(f"{name}:\n{text}" if name == "traceback" else f"{name:<10} {text}")


@failed.command("requeue")
def requeue_command(
    job_ids: JobIds = None,
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Limit = 100,
    everything: Everything = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run failed jobs again, each with its full number of attempts."""
    _demand_choice(job_ids, job, since, error, everything=everything)
    with _failed_jobs() as (jobs, _):
        wanted = _wanted(job_ids, job, since, error, limit)
        act = _Act("would requeue") if dry_run else _Act("queued", jobs.requeue)
        act.on(jobs, wanted, as_json=as_json)


@failed.command("discard")
def discard_command(
    job_ids: JobIds = None,
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Limit = 100,
    everything: Everything = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete failed jobs: nothing brings them back."""
    _demand_choice(job_ids, job, since, error, everything=everything)
    with _failed_jobs() as (jobs, _):
        wanted = _wanted(job_ids, job, since, error, limit)
        act = _Act("would discard") if dry_run else _Act("discarded", jobs.discard)
        act.on(jobs, wanted, as_json=as_json)


def suspend_command() -> None:
    """Let every worker on this Redis take no more jobs; what runs ends, what waits stays."""
    from rq.suspension import suspend  # noqa: PLC0415

    with _connection() as (connection, _):
        suspend(connection)
    typer.echo("suspended: no worker on this Redis takes a job until `resume`")


def resume_command() -> None:
    """Let the workers on this Redis take jobs again."""
    from rq.suspension import resume  # noqa: PLC0415

    with _connection() as (connection, _):
        resume(connection)
    typer.echo("resumed")


class _Act:
    """What is done with failed jobs.

    Args:
        done: The word for it.
        act: Does it to one job, and returns False when the job is no longer failed.
    """

    def __init__(self, done: str, act: Callable[[str], bool] = lambda _: True) -> None:
        self._done = done
        self._act = act

    def on(self, jobs: FailedJobs, wanted: Wanted, *, as_json: bool) -> None:
        """Do it, and say what became of each job. Exit code 1 if one is not there."""
        missing = dict.fromkeys(wanted.job_ids)
        for entry in jobs.find(wanted):
            missing.pop(entry.job_id, None)
            action = self._done if self._act(entry.job_id) else "gone"
            if as_json:
                line = {"jobId": entry.job_id, "job": entry.job_type, "action": action}
                typer.echo(json.dumps(line, ensure_ascii=False))
            else:
                typer.echo(f"{action} {entry.job_type} {entry.job_id}")
        for job_id in missing:
            typer.echo(f"no failed job {job_id}", err=True)
        if missing:
            raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _connection() -> Iterator[tuple[Any, Any]]:
    from ..config import load_settings  # noqa: PLC0415
    from ..config.redis import worker_connection  # noqa: PLC0415

    settings = load_settings()
    with worker_connection(settings) as connection:
        yield connection, settings


@contextmanager
def _failed_jobs() -> Iterator[tuple[FailedJobs, Callable[[str], str]]]:
    """Yield the failed jobs, and what takes secrets out of their texts."""
    from ..config.log_values import Scrubber  # noqa: PLC0415
    from ..config.secrets import known_secrets  # noqa: PLC0415
    from .failed import FailedJobs  # noqa: PLC0415

    with _connection() as (connection, settings):
        scrub = Scrubber(known_secrets(settings)).text
        yield FailedJobs(connection, settings.worker_queue), scrub


def _wanted(
    job_ids: list[str] | None, job: str | None, since: str | None, error: str | None, limit: int
) -> Wanted:
    from .failed import Wanted  # noqa: PLC0415

    return Wanted(tuple(job_ids or ()), job, moment(since) if since else None, error, limit)


def moment(text: str) -> datetime:
    """Return what `--since` means: `2h` before now, or a date."""
    span = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    try:
        if span:
            return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter("30m, 2h, 7d or a date", param_hint="--since") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _demand_choice(job_ids: list[str] | None, *filters: str | None, everything: bool) -> None:
    if not (job_ids or any(filters) or everything):
        raise typer.BadParameter("name jobs, filter them, or say --all")


def _moment_text(entry: FailedEntry) -> str:
    return entry.failed_at.isoformat(" ", "seconds") if entry.failed_at else "-"


def _record(entry: FailedEntry, scrub: Callable[[str], str], *, reveal: bool) -> dict[str, Any]:
    from .failed import masked  # noqa: PLC0415

    return {
        "jobId": entry.job_id,
        "job": entry.job_type,
        "failedAt": entry.failed_at.isoformat() if entry.failed_at else None,
        "error": scrub(entry.error),
        "resumes": entry.resumes,
        "payload": entry.payload if reveal else masked(entry.payload),
    }
