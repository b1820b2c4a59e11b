"""`failed`, `suspend` and `resume` on the command line."""

from __future__ import annotations

import getpass
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Annotated, Any

import typer

from ..failed import FailedEntry, FailedJobs, Outcome, Wanted
from ..process.exit_codes import ExitCode
from ..texts import say

failed = typer.Typer(no_args_is_help=True, help="Jobs that failed for good.")

_STATES = ("failed", "retried", "discarded", "succeeded", "any")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHOWN = 100  # characters of an error in the list

JobIds = Annotated[list[str] | None, typer.Argument(help="Ids of jobs; all when none is given.")]
JobName = Annotated[str | None, typer.Option("--job", help="Part of the job's name.")]
Since = Annotated[
    str | None, typer.Option(help="Failed since: 30m, 2h, 7d, or 2026-01-31T09:00 in UTC.")
]
ErrorText = Annotated[str | None, typer.Option("--error", help="Part of the error's text.")]
State = Annotated[
    str, typer.Option(help="failed; with a database retried, discarded, succeeded or any.")
]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the oldest first.")]
ActLimit = Annotated[
    int | None, typer.Option(min=1, help="At most so many, the oldest first; all by default.")
]
Rate = Annotated[float | None, typer.Option(min=0.01, help="Jobs per second at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Everything = Annotated[bool, typer.Option("--all", help="Allow it without an id or a filter.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show the payload's values unmasked.")]
_WithHolds = Callable[[Sequence[FailedEntry]], list[FailedEntry]]
By = Annotated[
    str | None, typer.Option("--by", help="Who does it; a database records it with the job.")
]


@failed.command("list")
def list_command(
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Limit = 50,
    state: State = "failed",
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """List failed jobs, the oldest first."""
    wanted = _wanted(None, job, since, error, state)
    with _failed_jobs(wanted) as (jobs, scrub, with_holds):
        entries = with_holds(list(islice(jobs.find(wanted), limit + 1)))
    for entry in entries[:limit]:
        if as_json:
            typer.echo(json.dumps(_record(entry, scrub, reveal=reveal), ensure_ascii=False))
        else:
            when = entry.failed_at.isoformat(" ", "seconds") if entry.failed_at else "-"
            became = str(entry.more.get("state", "failed"))
            parts = [when, entry.job_type, entry.job_id, *([became] if became != "failed" else [])]
            held = [] if entry.holds is None else [f"({entry.holds} jobs wait for its key)"]
            typer.echo("  ".join([*parts, scrub(_first_line(entry.error))[:_SHOWN], *held]))
    if len(entries) > limit:
        typer.echo(say("there are more than {limit}; see --limit", limit=limit), err=True)
    if not entries and not as_json:
        typer.echo(say("none"))


@failed.command("show")
def show_command(
    job_id: Annotated[str, typer.Argument(help="Id of the job.")],
    reveal: Reveal = False,
    as_json: AsJson = False,
) -> None:
    """Show one failed job with its payload and traceback."""
    wanted = Wanted((job_id,), state=None)
    with _failed_jobs(wanted) as (jobs, scrub, with_holds):
        entry = next(iter(with_holds(list(islice(jobs.find(wanted), 1)))), None)
    if entry is None:
        typer.echo(say("no failed job {job_id}", job_id=job_id), err=True)
        raise typer.Exit(ExitCode.FAILED)
    record = _record(entry, scrub, reveal=reveal)
    record |= {"resumes": entry.resumes, "traceback": scrub(entry.traceback)}
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False))
        return
    for name, value in record.items():
        text = json.dumps(value, ensure_ascii=False) if name == "payload" else value
        typer.echo(f"{name}:\n{text}" if name == "traceback" else f"{name:<10} {text}")


@failed.command("retry", hidden=True)  # a second name for it
@failed.command("requeue")
def requeue_command(
    job_ids: JobIds = None,
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: ActLimit = None,
    rate: Rate = None,
    everything: Everything = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    by: By = None,
) -> None:
    """Run failed jobs again, each with its full number of attempts."""
    _demand_choice(job_ids, job, since, error, everything=everything)
    wanted = _wanted(job_ids, job, since, error)
    with _failed_jobs(wanted, by) as (jobs, *_):
        results = _act(jobs.requeue, jobs.find(wanted), limit, dry_run=dry_run, rate=rate)
        _report(results, wanted, as_json=as_json)


@failed.command("discard")
def discard_command(
    job_ids: JobIds = None,
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: ActLimit = None,
    everything: Everything = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    by: By = None,
) -> None:
    """Take failed jobs off the list: nothing brings them back."""
    _demand_choice(job_ids, job, since, error, everything=everything)
    wanted = _wanted(job_ids, job, since, error)
    with _failed_jobs(wanted, by) as (jobs, *_):
        results = _act(jobs.discard, jobs.find(wanted), limit, dry_run=dry_run)
        _report(results, wanted, as_json=as_json)


def suspend_command() -> None:
    """Let every worker on this Redis take no more jobs; what runs ends, what waits stays."""
    from rq.suspension import suspend  # noqa: PLC0415

    with _connection() as (connection, _):
        suspend(connection)
    typer.echo(say("suspended: no worker on this Redis takes a job until `resume`"))


def resume_command() -> None:
    """Let the workers on this Redis take jobs again."""
    from rq.suspension import resume  # noqa: PLC0415

    with _connection() as (connection, _):
        resume(connection)
    typer.echo(say("resumed"))


def _act(
    act: Callable[..., Outcome],
    entries: Iterator[FailedEntry],
    limit: int | None,
    *,
    dry_run: bool,
    rate: float | None = None,
) -> Iterator[tuple[FailedEntry, Outcome]]:
    for number, entry in enumerate(islice(entries, limit)):
        if number and rate and not dry_run:
            time.sleep(1 / rate)
        yield entry, act(entry, dry_run=dry_run)


def _report(
    results: Iterator[tuple[FailedEntry, Outcome]], wanted: Wanted, *, as_json: bool
) -> None:
    """Say what became of each job. Exit code 1 if one was refused or is not there."""
    missing = dict.fromkeys(wanted.job_ids)
    refused = False
    for entry, outcome in results:
        missing.pop(entry.job_id, None)
        refused = refused or outcome.action == "refused"
        if as_json:
            line = {"jobId": entry.job_id, "job": entry.job_type, "action": outcome.action}
            detail = {"detail": outcome.detail} if outcome.detail else {}
            typer.echo(json.dumps(line | detail, ensure_ascii=False))
        else:
            said = f": {say(outcome.detail)}" if outcome.detail else ""
            typer.echo(f"{say(outcome.action)} {entry.job_type} {entry.job_id}{said}")
    for job_id in missing:
        typer.echo(say("no failed job {job_id}", job_id=job_id), err=True)
    if refused or missing:
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _connection() -> Iterator[tuple[Any, Any]]:
    from ..config import load_settings  # noqa: PLC0415
    from ..config.redis import publisher  # noqa: PLC0415

    settings = load_settings()
    connection = publisher(settings).connection
    try:
        yield connection, settings
    finally:
        connection.close()


@contextmanager
def _failed_jobs(
    wanted: Wanted, by: str | None = None
) -> Iterator[tuple[FailedJobs, Callable[[str], str], _WithHolds]]:
    """Yield the list that the modules or Redis keep.

    With it come what takes secrets out of its texts, and what adds the keys that jobs hold.
    """
    from ..composition import composed  # noqa: PLC0415
    from ..config.log_values import Scrubber  # noqa: PLC0415
    from ..config.secrets import known_secrets  # noqa: PLC0415
    from .failed import RedisFailedJobs  # noqa: PLC0415
    from .order import with_holds  # noqa: PLC0415

    with _connection() as (connection, settings):
        worker = composed()
        worker.load_processors()
        found = worker.failed_jobs(connection, settings.queues, by or _somebody())
        if found is None and (wanted.state not in ("failed", None) or by):
            raise typer.BadParameter(
                say("only a database keeps that"), param_hint="--by" if by else "--state"
            )
        scrub = Scrubber(known_secrets(settings)).text
        try:
            jobs = found or RedisFailedJobs(connection, settings.queues)
            yield jobs, scrub, partial(with_holds, connection)
        finally:
            worker.reset()


def _wanted(
    job_ids: list[str] | None,
    job: str | None,
    since: str | None,
    error: str | None,
    state: str = "failed",
) -> Wanted:
    if state not in _STATES:
        raise typer.BadParameter(", ".join(_STATES), param_hint="--state")
    moment = _moment(since) if since else None
    return Wanted(tuple(job_ids or ()), job, moment, error, None if state == "any" else state)


def _moment(text: str) -> datetime:
    """Return what `--since` means: `2h` before now, or a date."""
    span = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    try:
        if span:
            return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(say("30m, 2h, 7d or a date"), param_hint="--since") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _demand_choice(job_ids: list[str] | None, *filters: str | None, everything: bool) -> None:
    if not (job_ids or any(filters) or everything):
        raise typer.BadParameter(say("name jobs, filter them, or say --all"))


def _first_line(error: str) -> str:
    from .jobs import first_telling_line  # noqa: PLC0415

    return first_telling_line(error)


def _record(entry: FailedEntry, scrub: Callable[[str], str], *, reveal: bool) -> dict[str, Any]:
    from .jobs import masked  # noqa: PLC0415

    return {
        "jobId": entry.job_id,
        "job": entry.job_type,
        "failedAt": entry.failed_at.isoformat() if entry.failed_at else None,
        "attempts": entry.attempts,
        **entry.more,
        "worker": entry.worker,
        "error": scrub(entry.error),
        "queue": entry.queue,
        "resumes": entry.resumes,
        "holds": entry.holds,
        "payload": entry.payload if reveal else masked(entry.payload),
    }


def _somebody() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without a user name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
