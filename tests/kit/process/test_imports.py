"""What a process does not use it does not load: an API that publishes, and the quick commands."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support import PYTHONPATH, prepare

# Of these each takes as long to import as the whole of the kit.
HEAVY = {
    "asyncio",
    "croniter",
    "psycopg",
    "pydantic_settings",
    "redis",
    "rich",
    "rq",
    "sqlalchemy",
    "structlog",
    "typer",
}


def loaded_by(code, tmp_path, **variables):
    """Run code in a new process; return the heavy libraries that it has loaded."""
    return HEAVY & all_loaded_by(code, tmp_path, **variables)


def all_loaded_by(code, tmp_path, **variables):
    """Run code in a new process; return all modules that it has loaded."""
    told = subprocess.run(
        [sys.executable, "-c", f"import sys\ntry:\n    {code}\nfinally:\n    print(*sys.modules)"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": PYTHONPATH} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in told.stderr, told.stderr
    return set(told.stdout.split())


def command(*arguments):
    """Code that runs a command of the worker."""
    return f"sys.argv[1:] = {list(arguments)}; import worker_payment.__main__ as m; m.main()"


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("import worker_payment.kit.jobs", set()),
        # The owner's table, and no driver; the library of the database reads no settings.
        ("import worker_payment.processors.payment", {"sqlalchemy", "asyncio"}),
    ],
)
def test_a_program_that_may_publish_loads_no_client(code, needed, tmp_path):
    """Redis is loaded with the first publisher, and structlog with the first line of a log."""
    assert loaded_by(code, tmp_path) <= needed


def test_a_publisher_loads_redis_and_nothing_of_the_worker(tmp_path):
    code = "from worker_payment.kit.jobs import Publisher; Publisher(None, 'q')"
    assert loaded_by(code, tmp_path, RQ_KEY_PREFIX="mine") == {"redis", "asyncio"}


@pytest.mark.parametrize("url", ["redis://:p@127.0.0.1:1/0", "unix:///tmp/none"])
def test_the_check_of_the_settings_loads_no_redis_and_nothing_of_jobs(url, tmp_path):
    found = all_loaded_by(command("check", "--only", "settings"), tmp_path, REDIS_URL=url)
    assert found & HEAVY == {"typer", "pydantic_settings", "asyncio"}
    kit = "worker_payment.kit"
    jobs = {f"{kit}.engine.job.{name}" for name in ("payload", "processor", "publish")}
    assert not found & {*jobs, f"{kit}.engine.worker.worker"}


def test_the_health_check_loads_nothing(tmp_path):
    assert not all_loaded_by(command("health"), tmp_path) & {
        *HEAVY,
        "dataclasses",
        "inspect",
        "pydantic",
    }


def test_publishing_from_the_command_line_loads_no_worker_and_no_other_command(tmp_path):
    wrong = command("enqueue", "absent", "{}")
    found = all_loaded_by(wrong, tmp_path)
    assert not found & {"rq", "structlog", "rich", "psycopg"}
    kit = "worker_payment.kit"
    assert not found & {f"{kit}.{name}" for name in ("failed", "inspection", "scaffold")}


def test_a_worker_without_schedules_loads_neither_their_library_nor_rich(redis_url, tmp_path):
    """Rich comes with the first table or help page, not with the first line of the log."""
    prepare(tmp_path)
    refused = redis_url.rpartition("/")[0] + "/99"  # ends the run when all is loaded
    found = loaded_by(command("run"), tmp_path, REDIS_URL=refused)
    assert {"rq", "structlog"} <= found
    assert not found & {"croniter", "rich"}


def test_the_second_start_loads_the_dialect_of_its_own_database_alone_and_no_alembic(
    redis_url, tmp_path
):
    """PostgreSQL's brings five drivers' parts along, MySQL's four.

    Alembic costs a worker a fifth of its start and 12 MB; only a change of tables loads it.
    """
    prepare(tmp_path)  # with SQLite
    run = command("run", "--burst")
    assert "alembic" in all_loaded_by(run, tmp_path, REDIS_URL=redis_url)
    found = all_loaded_by(run, tmp_path, REDIS_URL=redis_url)
    assert {
        "worker_payment.kit.integrations.database.records",
        "sqlalchemy.dialects.sqlite",
    } <= found
    assert not found & {
        "alembic",
        "sqlalchemy.dialects.mysql",
        "sqlalchemy.dialects.postgresql",
    }
