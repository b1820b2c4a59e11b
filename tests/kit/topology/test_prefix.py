"""Several workers on one server: a prefix or a database number of its own keeps them apart."""

from __future__ import annotations

from redis import Redis

from program import program

COMMANDS = (
    ("enqueue", "program_jobs.nap", "{}"),
    ("enqueue", "program_jobs.nap", "{}", "--delay", "60"),
    ("stats", "--interval", "0.1"),
    ("check", "--only", "redis,queue"),
    ("run", "--burst"),
)


def test_a_prefix_of_its_own(redis_server, tmp_path, queue):
    for command in COMMANDS:
        options = {"modules": True, "RQ_KEY_PREFIX": "mine"}
        with program(tmp_path, redis_server.url, queue, *command, **options) as run:
            assert run.exit_code() == 0, run.output
    assert run.lines("job.done")
    with Redis(port=redis_server.port) as client:
        assert client.keys("mine:*")
        assert not [key for key in client.keys("*") if not key.startswith(b"mine:")]


def test_a_database_of_its_own(redis_server, tmp_path, queue):
    url = redis_server.url.removesuffix("/0") + "/5"
    for command in COMMANDS:
        with program(tmp_path, url, queue, *command) as run:
            assert run.exit_code() == 0, run.output
    assert run.lines("job.done")
    with Redis(port=redis_server.port) as client:
        assert client.info("keyspace").keys() == {"db5"}
