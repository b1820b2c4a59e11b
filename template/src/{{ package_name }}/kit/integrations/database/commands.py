"""`db` and `failed` on the command line. SQLAlchemy is imported when one of them runs."""

from __future__ import annotations

import getpass
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Row

    from .failures import Filter
    from .instances import Instances
    from .replay import Replay, Result

db = typer.Typer(no_args_is_help=True, help="The worker's own tables.")
failed = typer.Typer(no_args_is_help=True, help="Jobs that failed for good.")

_STATES = ("failed", "retried", "discarded", "succeeded", "any")
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
By = Annotated[str | None, typer.Option("--by", help="Recorded as who did it.")]


def add_commands(app: typer.Typer) -> None:
    """Add `db` and `failed` to the worker's command line."""
    app.add_typer(db, name="db")
    app.add_typer(failed, name="failed")


@db.command("upgrade")
def upgrade_command(
    configured: Annotated[
        bool, typer.Option("--configured", help="Refuse to work on the file of a demo.")
    ] = False,
) -> None:
    """Bring the tables up to date. Safe while workers run or do the same."""
    from . import schema  # noqa: PLC0415
    from .errors import DatabaseError  # noqa: PLC0415

    with _databases() as shared:
        if configured and shared.settings.is_demo:
            raise DatabaseError("DATABASE_CONFIG is not set; it must name the database")
        for name in schema.used_instances():
            for sentence in schema.upgrade(shared, name) or [f"{name}: nothing to do"]:
                typer.echo(sentence)


@db.command("check")
def check_command() -> None:
    """Compare the tables with what this worker needs. Exit code 1 if they are behind."""
    from . import schema  # noqa: PLC0415

    behind = False
    with _databases() as shared:
        for name in schema.used_instances():
            ready, detail = schema.state(shared, name)
            typer.echo(f"{'ok  ' if ready else 'FAIL'} {name}: {detail}")
            behind = behind or not ready
    raise typer.Exit(1 if behind else 0)


@db.command("revision")
def revision_command(
    message: Annotated[str, typer.Argument(help="What it changes.")],
    autogenerate: Annotated[
        bool, typer.Option("--autogenerate", help="Compare the database with your tables.")
    ] = False,
) -> None:
    """Make a migration of your own: empty, or with what your tables need."""
    from .revisions import compared_migration, new_migration  # noqa: PLC0415

    if not autogenerate:
        typer.echo(new_migration(message))
        return
    with _databases() as shared:
        made = compared_migration(shared, message)
    typer.echo(made or "nothing to do: the database has the tables that the code declares")


@failed.command("list")
def list_command(
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Limit = 50,
    state: Annotated[
        str, typer.Option(help="failed, retried, discarded, succeeded or any.")
    ] = "failed",
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """List failed jobs, the oldest first."""
    from .failures import find  # noqa: PLC0415
    from .text import first_telling_line  # noqa: PLC0415

    with _databases() as shared:
        wanted = _filter(shared, None, job, since, error, limit, state)
        rows = find(shared.main, wanted)
    for row in rows:
        if as_json:
            typer.echo(json.dumps(_record(row, reveal=reveal), ensure_ascii=False))
        else:
            when = row.failed_at.isoformat(" ", "seconds")
            first_line = first_telling_line(row.error or "")[:100]
            typer.echo(f"{when}  {row.job_type}  {row.job_id}  {row.state}  {first_line}")
    if not rows and not as_json:
        typer.echo("none")


@failed.command("show")
def show_command(
    job_id: Annotated[str, typer.Argument(help="Id of the job.")],
    reveal: Reveal = False,
    as_json: AsJson = False,
) -> None:
    """Show one failed job with its payload and traceback."""
    from .failures import find  # noqa: PLC0415

    with _databases() as shared:
        rows = find(shared.main, _filter(shared, [job_id], None, None, None, 1, "any"))
        resumes = bool(rows) and _resumes(shared, job_id)
    if not rows:
        typer.echo(f"no failed job {job_id}", err=True)
        raise typer.Exit(1)
    more = {"resumes": resumes, "traceback": rows[0].traceback}
    record = _record(rows[0], reveal=reveal) | more
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False))
        return
    for name, value in record.items():
        text = json.dumps(value, ensure_ascii=False) if name == "payload" else value
        typer.echo(f"{name}:\n{text}" if name == "traceback" else f"{name:<10} {text}")


@failed.command("requeue")  # as it is called without the database
@failed.command("retry")
def retry_command(
    job_ids: JobIds = None,
    job: JobName = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Limit = 100,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Jobs per second at most.")] = None,
    everything: Everything = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    by: By = None,
) -> None:
    """Run failed jobs again: each once, and none that has succeeded since."""
    _demand_choice(job_ids, job, since, error, everything=everything)
    with _replay(by) as (shared, replay):
        wanted = _filter(shared, job_ids, job, since, error, limit, "failed")
        _report(replay.retry(wanted, dry_run=dry_run, rate=rate), job_ids, as_json=as_json)


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
    by: By = None,
) -> None:
    """Put failed jobs aside: they are not run again and leave the list."""
    _demand_choice(job_ids, job, since, error, everything=everything)
    with _replay(by) as (shared, replay):
        wanted = _filter(shared, job_ids, job, since, error, limit, "failed")
        _report(replay.discard(wanted, dry_run=dry_run), job_ids, as_json=as_json)


@contextmanager
def _databases() -> Iterator[Instances]:
    """The databases, closed afterwards; their errors become sentences."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from ...composition import composed  # noqa: PLC0415
    from ...config import load_settings  # noqa: PLC0415
    from ...engine import OutageError  # noqa: PLC0415
    from .errors import DatabaseError, is_unreachable  # noqa: PLC0415
    from .instances import close_instances, instances  # noqa: PLC0415
    from .reduction import describe  # noqa: PLC0415

    load_settings()
    composed().load_processors()
    try:
        yield instances()
    except SQLAlchemyError as error:
        said = f"database: {describe(error)}"
        if is_unreachable(error):
            raise OutageError(said) from error
        raise DatabaseError(f"{said}; `db check` tells about its tables") from error
    finally:
        close_instances()


@contextmanager
def _replay(by: str | None) -> Iterator[tuple[Instances, Replay]]:
    from ...config import load_settings  # noqa: PLC0415
    from ...config.redis import publisher  # noqa: PLC0415
    from .replay import Replay  # noqa: PLC0415
    from .sweep import Sweep  # noqa: PLC0415

    with _databases() as shared:
        connection = publisher(load_settings()).connection
        try:
            # One list: what failed while the database was away is only in Redis so far.
            keep_days = shared.settings.failed_retention_days
            Sweep(connection, shared.queue, keep_days=keep_days).run(shared.main, limit=100_000)
            yield shared, Replay(shared, connection, by or _somebody())
        finally:
            connection.close()


def _filter(
    shared: Instances,
    job_ids: list[str] | None,
    job: str | None,
    since: str | None,
    error: str | None,
    limit: int,
    state: str,
) -> Filter:
    from .failures import Filter  # noqa: PLC0415

    if state not in _STATES:
        raise typer.BadParameter(", ".join(_STATES), param_hint="--state")
    return Filter(
        queue=shared.queue,
        job_ids=tuple(job_ids or ()),
        job_type=job,
        since=_moment(since) if since else None,
        error=error,
        state=None if state == "any" else state,
        limit=max(limit, len(job_ids or ())),
    )


def _moment(text: str) -> datetime:
    """`2h` before now, or a date."""
    span = re.fullmatch(r"(\d+)([smhdw])", text)
    if span:
        return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("30m, 2h, 7d or a date", param_hint="--since") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _demand_choice(job_ids: list[str] | None, *filters: str | None, everything: bool) -> None:
    if not (job_ids or any(filters) or everything):
        raise typer.BadParameter("name jobs, filter them, or say --all")


def _record(row: Row[Any], *, reveal: bool) -> dict[str, Any]:
    from .failures import payload_of  # noqa: PLC0415
    from .text import masked  # noqa: PLC0415

    payload = payload_of(row)
    return {
        "jobId": row.job_id,
        "job": row.job_type,
        "state": row.state,
        "failedAt": row.failed_at.isoformat(),
        "attempts": row.attempts,
        "failures": row.failures,
        "retries": row.retries,
        "changedAt": row.changed_at.isoformat() if row.changed_at else None,
        "changedBy": row.changed_by,
        "worker": row.worker,
        "error": row.error,
        "payload": payload if reveal else masked(payload),
    }


def _resumes(shared: Instances, job_id: str) -> bool:
    """Return whether there is a checkpoint that the job would go on from."""
    from redis.exceptions import RedisError  # noqa: PLC0415

    from ...config import load_settings  # noqa: PLC0415
    from ...config.redis import worker_connection  # noqa: PLC0415
    from ...engine.store import keys  # noqa: PLC0415
    from .records import has_state  # noqa: PLC0415
    from .schema import used_instances  # noqa: PLC0415

    for name in used_instances():
        with shared.engine(name).connect() as connection:
            if has_state(connection, shared.queue, job_id):
                return True
    try:
        with worker_connection(load_settings()) as redis:
            return bool(redis.hexists(keys.JOB + job_id, keys.CHECKPOINT))
    except RedisError:
        return False  # the rest can be shown all the same


def _report(results: Iterator[Result], job_ids: list[str] | None, *, as_json: bool) -> None:
    """Say what became of each job. Exit code 1 if one was refused or is not there."""
    missing = dict.fromkeys(job_ids or ())
    refused = False
    for result in results:
        missing.pop(result.job_id, None)
        refused = refused or result.action == "refused"
        if as_json:
            line = {"jobId": result.job_id, "job": result.job_type, "action": result.action}
            detail = {"detail": result.detail} if result.detail else {}
            typer.echo(json.dumps(line | detail, ensure_ascii=False))
        else:
            detail_text = f": {result.detail}" if result.detail else ""
            typer.echo(f"{result.action} {result.job_type} {result.job_id}{detail_text}")
    for job_id in missing:
        typer.echo(f"no failed job {job_id}", err=True)
    if refused or missing:
        raise typer.Exit(1)


def _somebody() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without a user name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
