"""The command line of the worker.

Each command imports what it needs: `health` runs every few seconds and must stay cheap.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from .answers import PACKAGE
from .composition import composed
from .config import SettingsError
from .module import UnusableError
from .process.exit_codes import ExitCode
from .texts import say
from .translated import TranslatedGroup


def _root() -> None:
    """A background worker. It takes jobs from Redis and opens no port."""


def run(
    burst: Annotated[bool, typer.Option("--burst", help="Stop when the queue is empty.")] = False,
    max_jobs: Annotated[int | None, typer.Option(min=1, help="Stop after this many jobs.")] = None,
) -> None:
    """Run the worker until SIGTERM, SIGINT or SIGHUP. A second signal gives back what runs."""
    from .log import load_structlog

    load_structlog()
    import structlog
    from redis.exceptions import RedisError

    from .config import load_settings
    from .config.logging import configure_logging
    from .config.secrets import known_secrets

    settings = load_settings()
    configure_logging(settings, secrets=known_secrets(settings))
    if settings.worker_processes > 1:
        from .process.processes import Supervisor

        again = ["-m", PACKAGE, *sys.argv[1:]]
        raise typer.Exit(Supervisor(settings, again).run())
    from .process.runner import leave, run_worker  # what the supervisor does without

    try:
        leave(run_worker(settings, burst=burst, max_jobs=max_jobs))
    except (RedisError, SettingsError, UnusableError):
        raise  # becomes a sentence in `main`
    except Exception:
        # Through the log: it is where people look, and it knows the secrets to hide.
        structlog.get_logger(__name__).exception("worker.crash")
        raise typer.Exit(ExitCode.FAILED) from None


def enqueue(
    job: Annotated[str, typer.Argument(help="Name of the job, as `schema` lists it.")],
    payload: Annotated[str, typer.Argument(help="Its payload as JSON; - reads standard input.")],
    job_id: Annotated[
        str | None, typer.Option("--id", help="The job's id: letters, digits, _ and -.")
    ] = None,
    delay: Annotated[float, typer.Option(min=0, help="Seconds before it may run.")] = 0.0,
    after: Annotated[
        list[str] | None, typer.Option(help="Id of a job that must have succeeded first.")
    ] = None,
    at_front: Annotated[
        bool, typer.Option("--at-front", help="Put it before all that wait.")
    ] = False,
    queue: Annotated[str | None, typer.Option(help="One of the worker's queues.")] = None,
) -> None:
    """Publish a job. The same id is not queued twice while the first waits or runs."""
    from .config import load_settings
    from .config.redis import publisher
    from .engine import JobError, find_processor
    from .engine.job.payload import load_payload

    composed().load_processors()
    processor = find_processor(job)
    try:
        values = json.loads(sys.stdin.read() if payload == "-" else payload)
    except ValueError as error:
        raise JobError(f"the payload is not valid JSON: {error}") from None
    loaded = load_payload(processor.payload_type, values, processor.name)
    settings = load_settings()
    if queue is not None and queue not in settings.queues:
        served = ", ".join(settings.queues)
        raise typer.BadParameter(f"the worker serves {served}", param_hint="--queue")
    target = publisher(settings).on(queue or settings.worker_queue)
    try:
        receipt = processor.enqueue(
            loaded,
            job_id=job_id,
            delay=delay,
            after=after or (),
            at_front=at_front,
            publisher=target,
        )
    except ValueError as error:
        raise JobError(str(error)) from None
    if receipt.queued:
        typer.echo(say("queued {job_id}", job_id=receipt.job_id))
    else:
        typer.echo(say("duplicate: {job_id} is waiting or running already", job_id=receipt.job_id))


def check(
    only: Annotated[str | None, typer.Option(help="Comma-separated parts to check.")] = None,
) -> None:
    """Check the settings, reach every part and look at the queue. Exit code 1 if one fails."""
    from .config import load_settings
    from .inspection.checks import parts, run_checks

    settings = load_settings()
    chosen = [name.strip() for name in only.split(",")] if only else []
    unknown = set(chosen) - set(parts())
    if unknown:
        known = say("parts are {names}", names=", ".join(parts()))
        raise typer.BadParameter(known, param_hint="--only")
    failed = False
    for result in run_checks(settings, chosen):
        typer.echo(f"{result.level:<4} {result.name:<12} {result.detail}")
        failed = failed or not result.ok
    raise typer.Exit(1 if failed else 0)


def health(
    ready: Annotated[bool, typer.Option("--ready", help="Also fail while Redis is away.")] = False,
) -> None:
    """Is the worker on this machine alive? Exit code 0 yes, 1 no, 2 alive but not ready."""
    from .process.probe import probe

    raise typer.Exit(probe(ready=ready))


def stats(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep it on the screen.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks, for the rates.")
    ] = 1.0,
) -> None:
    """Show the queue and its workers: what waits, runs, is delayed or failed, and how fast."""
    from .config import load_settings
    from .inspection.command import show_stats, watch_stats

    settings = load_settings()
    if watch and as_json:
        raise typer.BadParameter(say("cannot be watched"), param_hint="--json")
    if watch:
        watch_stats(settings, interval=interval)
    else:
        show_stats(settings, as_json=as_json, interval=interval)


def schema(
    against: Annotated[
        Path | None, typer.Option(help="Compare with this file; exit code 1 if payloads break.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write it there, unless that breaks what is there.")
    ] = None,
) -> None:
    """Print the contract with publishers: queue, jobs, their ids and JSON Schemas."""
    from .contracts.snapshot import compare, describe, dump, load
    from .engine import processors

    composed().load_processors()
    document = describe(processors(), composed().queues)
    known = against or write
    if known is None:
        typer.echo(dump(document), nl=False)
        return
    try:
        verdict = compare(load(known), document)
    except ValueError as error:
        raise typer.BadParameter(f"{known} is no contract: {error}") from None
    for notice in verdict.notices:
        typer.echo(say("note: {text}", text=notice), err=True)
    for change in verdict.breaking:
        typer.echo(say("breaks old payloads: {text}", text=change), err=True)
    if verdict.breaking:
        advice = say("raise `payload_version`, write `upgrade_payload`: see class Payload")
        typer.echo(advice, err=True)
        raise typer.Exit(1)
    if write is not None:
        write.write_text(dump(document), encoding="utf-8")


def client(
    language: Annotated[str, typer.Argument(help="typescript or python.")],
    out: Annotated[Path, typer.Option(help="The file, or a folder for it.")],
    pydantic: Annotated[
        bool, typer.Option("--pydantic", help="Python: payloads are pydantic models.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if it is out of date.")
    ] = False,
) -> None:
    """Write a client that publishes these jobs from an API server, in TypeScript or Python."""
    from .contracts.clients.contract import ClientError
    from .contracts.clients.files import StaleClientError, refresh
    from .contracts.snapshot import describe
    from .engine import processors

    composed().load_processors()
    document = describe(processors(), composed().queues)
    try:
        typer.echo(refresh(document, language, out, pydantic=pydantic, check=check))
    except (ClientError, StaleClientError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


_COMMANDS = {each.__name__: each for each in (run, enqueue, check, health, stats, schema, client)}


def command_line(asked: str | None = None) -> typer.Typer:
    """Return the commands of the worker, with those of its modules.

    Args:
        asked: The only one that is needed. To make all takes the tenth part of a quick command.
    """
    app = typer.Typer(
        cls=TranslatedGroup,
        callback=_root,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    if asked in _COMMANDS:
        app.command()(_COMMANDS[asked])
        return app
    for each in _COMMANDS.values():
        app.command()(each)
    from .scaffold import new

    app.add_typer(new, name="new")
    from .inspection.failed_commands import failed, resume_command, suspend_command

    app.command("suspend")(suspend_command)
    app.command("resume")(resume_command)
    app.add_typer(failed, name="failed")
    for module in composed().modules:
        module.commands(app)
    return app


def main() -> None:
    """Run a command; the one place where an error becomes a sentence and an exit code."""
    try:
        command_line(next(iter(sys.argv[1:]), None))()
    except Exception as error:
        found = _explain(error)
        if found is None:
            raise
        sentence, code = found
        print(f"error: {sentence}", file=sys.stderr)
        raise SystemExit(code) from None
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.INTERRUPTED) from None


def _explain(error: Exception) -> tuple[str, ExitCode] | None:
    """Return the sentence and exit code of an expected error; None for one that is a bug."""
    from .engine import JobError, OutageError

    if isinstance(error, OutageError | UnusableError):
        return str(error), ExitCode.DATABASE
    if isinstance(error, SettingsError | JobError):
        return str(error), ExitCode.SETTINGS
    from redis.exceptions import RedisError

    from .config.redis import describe_error

    if isinstance(error, RedisError):
        return describe_error(error), ExitCode.REDIS
    return None
