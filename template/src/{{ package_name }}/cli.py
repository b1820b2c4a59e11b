"""The command line of the worker."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from redis.exceptions import RedisError

from . import processors as _processors
from .bootstrap.health import health_file, read_health
from .config import Settings, SettingsError, load_settings
from .config.logging import configure_logging
from .config.redis import publisher
from .config.secrets import known_secrets
from .engine import JobError, find_processor, processors
from .engine.contract import describe, load_payload
from .integrations import chosen_modules

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """A background worker. It takes jobs from Redis and opens no port."""


@app.command()
def run(
    burst: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
    max_jobs: Annotated[int | None, typer.Option(min=1, help="Stop after this many jobs.")] = None,
) -> None:
    """Run the worker until SIGTERM or SIGINT."""
    from .worker import leave, run_worker  # noqa: PLC0415 - the engine is needed here alone

    settings = load_settings()
    configure_logging(settings, secrets=known_secrets(settings))
    leave(run_worker(settings, burst=burst, max_jobs=max_jobs))


@app.command()
def enqueue(
    job: Annotated[str, typer.Argument(help="Name of the job, as `schema` lists it.")],
    payload: Annotated[str, typer.Argument(help="Its payload as JSON.")],
    job_id: Annotated[str | None, typer.Option("--id", help="The job's id.")] = None,
    delay: Annotated[float, typer.Option(min=0, help="Seconds before it may run.")] = 0.0,
) -> None:
    """Publish a job: enqueue payment.approve '{"orderId": "A-1"}'"""
    _processors.load()
    processor = find_processor(job)
    try:
        values = json.loads(payload)
    except ValueError as error:
        raise JobError(f"the payload is not valid JSON: {error}") from None
    loaded = load_payload(processor.payload_type, values, processor.name)
    target = publisher(load_settings())
    receipt = processor.enqueue(loaded, job_id=job_id, delay=delay, publisher=target)
    if receipt.queued:
        typer.echo(f"queued {receipt.job_id}")
    else:
        typer.echo(f"duplicate: {receipt.job_id} is waiting or running already")


@app.command()
def check() -> None:
    """Check the settings and reach every part, a line each. Exit code 1 if one fails."""
    from .bootstrap.checks import run_checks  # noqa: PLC0415 - reaches out, needed here alone

    failed = False
    for result in run_checks(load_settings()):
        mark = "ok  " if result.ok else "FAIL"
        typer.echo(f"{mark} {result.name:<12} {result.detail}")
        failed = failed or not result.ok
    raise typer.Exit(1 if failed else 0)


@app.command()
def health(
    ready: Annotated[bool, typer.Option("--ready", help="Also fail while Redis is away.")] = False,
) -> None:
    """Is the worker on this machine alive? Exit code 0 yes, 1 no, 2 alive but not ready."""
    found = read_health(health_file(Settings()))
    typer.echo(found.detail)
    if not found.alive:
        raise typer.Exit(1)
    raise typer.Exit(2 if ready and not found.ready else 0)


@app.command()
def schema() -> None:
    """Print the JSON Schema of every job's payload."""
    _processors.load()
    document: dict[str, Any] = {
        each.name: {
            "function": each.path,
            "attempts": each.policy.attempts,
            "timeout": each.policy.timeout,
            "payload": each.payload_type.model_json_schema(by_alias=True),
        }
        for each in processors()
    }
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


for _module in chosen_modules():
    _module.commands(app)


def main() -> None:
    """Run a command; the one place where an error becomes a sentence and an exit code."""
    try:
        app()
    except SettingsError as error:
        _stop(str(error), 2)
    except ValidationError as error:
        _stop(describe(error), 2)
    except JobError as error:
        _stop(str(error), 2)
    except RedisError as error:
        _stop(f"Redis ({type(error).__name__}): {error}; is REDIS_URL right?", 3)


def _stop(message: str, code: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(code)
