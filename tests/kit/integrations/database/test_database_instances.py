"""Several named databases: a processor's transaction and its job records are where it says."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import uuid4

import database_jobs as jobs
import pytest
from sqlalchemy import insert, select

from worker_payment.kit.engine import Duplicate, OutageError, processor
from worker_payment.kit.engine.job.processor import _registry
from worker_payment.kit.integrations.database import (
    Instance,
    Session,
    lifecycle,
    schema,
    transaction,
)
from worker_payment.kit.integrations.database.errors import (
    DatabaseError,
)
from worker_payment.kit.integrations.database.instances import (
    close_instances,
    instances,
)
from worker_payment.kit.integrations.database.tables import job_records


@pytest.fixture
def two_files(tmp_path, monkeypatch, redis_url):
    """MAIN, STATS, and one that no processor uses."""
    names = ("MAIN", "STATS", "LEGACY")
    files = {name: {"dbms": "sqlite", "database": str(tmp_path / name)} for name in names}
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": files}))
    monkeypatch.setenv("REDIS_URL", redis_url)
    close_instances()
    yield tmp_path
    lifecycle.close()


@pytest.fixture
def count():
    """A processor that works on STATS; forgotten after the test."""

    @processor(target=lambda payload: payload.target)
    def count(payload: jobs.Work, session: Annotated[Session, Instance("STATS")]) -> None:
        session.execute(insert(jobs.effects).values(target=payload.target))

    yield count
    del _registry[count.path]


def test_a_processor_names_another_instance(two_files, count):
    """Its effect and its row are there, and only the instances in use get tables."""
    lifecycle.start()
    assert schema.used_instances() == ["MAIN", "STATS"]
    assert not (two_files / "LEGACY").exists()
    jobs.effects.metadata.create_all(instances().engine("STATS"))
    target = uuid4().hex
    count({"target": target})
    with pytest.raises(Duplicate):
        count({"target": target})
    with transaction("STATS") as session:
        assert session.scalars(select(jobs.effects.c.target)).all() == [target]
        assert session.scalars(select(job_records.c.state)).all() == ["done"]
    with transaction() as session:
        assert not session.scalars(select(job_records.c.state)).all()
    assert "STATS sqlite" in lifecycle.check()


def test_an_instance_that_is_not_configured_stops_the_start(two_files, monkeypatch, count):
    main = {"dbms": "sqlite", "database": str(two_files / "MAIN")}
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": main}}))
    close_instances()
    with pytest.raises(DatabaseError, match="no instance 'STATS'"):
        lifecycle.start()


def test_a_database_that_does_not_answer_delays_the_start(two_files, monkeypatch):
    """The message names the place and the reason, never the password."""
    main = {"dbms": "postgresql", "port": 1, "database": "d", "user": "u", "password": "pa55word"}
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": main}}))
    close_instances()
    with pytest.raises(OutageError, match=r"MAIN at 127.0.0.1:1/d: .*refused") as caught:
        lifecycle.start()
    assert "pa55word" not in str(caught.value)
