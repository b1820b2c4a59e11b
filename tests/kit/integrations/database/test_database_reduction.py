"""No value of a row leaves the database in an error: not in logs, records, dead letters."""

from __future__ import annotations

import io
import json
import traceback
from contextlib import contextmanager
from uuid import uuid4

import database_jobs as jobs
import psycopg
import pytest
from database_support import Database, context
from sqlalchemy import (
    CheckConstraint,
    Column,
    Enum,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, PendingRollbackError
from sqlalchemy.orm import DeclarativeBase, Session

from worker_payment.kit.config import load_settings
from worker_payment.kit.config.logging import configure_logging
from worker_payment.kit.engine import processor
from worker_payment.kit.inspection.jobs import error_of_traceback
from worker_payment.kit.integrations.database.session import job_session

NAME, CARD = "kim.private@example.com", "4111-1111"
people = Table(
    "people",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("email", String(40), nullable=False),
    Column("card", String(20), nullable=False),
    Column("age", Integer),
    Column("kind", Enum("a", "b", native_enum=False, validate_strings=True)),
    UniqueConstraint("email", name="uq_people_email"),
    CheckConstraint("age > 0", name="positive_age"),
)


class Base(DeclarativeBase):
    """Of the one class."""


class Person(Base):
    """A row as an object."""

    __table__ = people


BROKEN = {
    "unique": {"email": NAME, "card": CARD},
    "null": {"email": f"{NAME}2", "card": None},
    "check": {"email": f"{NAME}3", "card": CARD, "age": -4111},
    "cast": None,
    "enum": {"email": NAME, "card": CARD, "kind": CARD},
    "literal": None,
}
# What an error must name, so that its cause can be found.
NAMES = {
    "unique": {"postgresql": "uq_people_email", "mariadb": "uq_people_email", "sqlite": "email"},
    "null": dict.fromkeys(("postgresql", "mariadb", "sqlite"), "card"),
    "check": dict.fromkeys(("postgresql", "mariadb", "sqlite"), "positive_age"),
    "cast": {"postgresql": "22P02", "mariadb": "age", "sqlite": ""},
    "enum": dict.fromkeys(("postgresql", "mariadb", "sqlite"), "column"),
    "literal": dict.fromkeys(("postgresql", "mariadb", "sqlite"), ""),
}


def offend(session: Session, kind: str) -> None:
    """Make the database refuse a row."""
    if kind == "cast":
        number = {"postgresql": f"CAST('{CARD}' AS integer)"}
        bad = number.get(session.get_bind().dialect.name, f"'{CARD}'")
        session.execute(
            text(f"INSERT INTO people (email, card, age) VALUES ('{NAME}', 'x', {bad})")
        )
    elif kind == "literal":
        session.execute(text(f"SELEC '{NAME}', '{CARD}'"))
    else:
        session.execute(insert(people), [BROKEN[kind]])


@processor(attempts=2, backoff=jobs.fast, target=lambda payload: payload.target)
def offending(payload: jobs.Work, session: jobs.Session) -> None:
    """Fails as its note says."""
    offend(session, payload.note)


@processor(attempts=1, target=lambda payload: payload.target)
def wrapping(payload: jobs.Work, session: jobs.Session) -> None:
    """Makes an error of its own of what the database said."""
    try:
        offend(session, payload.note)
    except Exception as error:
        raise RuntimeError(f"not stored: {error}") from error


@processor(attempts=1, target=lambda payload: payload.target)
def failing_late(payload: jobs.Work, session: jobs.Session) -> None:
    """Fails while it handles what the database said."""
    try:
        with session.begin_nested():
            offend(session, payload.note)
    except Exception:
        {}["another one"]


@pytest.fixture
def logged(database: Database):
    """The lines that a worker would log."""
    stream = io.StringIO()
    configure_logging(load_settings(), stream=stream)
    people.drop(database.engine, checkfirst=True)
    people.create(database.engine)
    with database.engine.begin() as connection:
        connection.execute(insert(people).values(email=NAME, card=CARD))
    yield stream
    people.drop(database.engine)


def kinds(database: Database) -> list[str]:
    """What each database refuses. SQLite puts any text into a column of numbers."""
    return [kind for kind in BROKEN if (kind, database.engine.dialect.name) != ("cast", "sqlite")]


@pytest.mark.parametrize("job", [offending, wrapping, failing_late])
def test_no_value_of_a_row_is_told(database, run, logged, connection, job):
    """Neither in a log line nor in what is kept; what is needed to find the fault is."""
    wanted = kinds(database)
    found = run(job, *(jobs.Work(target=uuid4().hex, note=kind) for kind in wanted))
    told = {
        "log": logged.getvalue(),
        "records": " ".join(str(row.error) for row in database.records()),
        "errors": " ".join(row.error for row in database.failed()),
        "tracebacks": " ".join(row.traceback for row in database.failed()),
        "redis": " ".join(str(each.latest_result().exc_string) for each in found),
    }
    for place, said in told.items():
        assert CARD not in said, place
        assert "kim.private" not in said, place
    assert len(database.failed()) == len(wanted)
    if job is failing_late:
        return
    by_job = {json.loads(row.payload)["note"]: row.error for row in database.failed()}
    for kind in wanted:
        assert NAMES[kind][database.engine.dialect.name] in by_job[kind], by_job[kind]
        assert "Background" not in by_job[kind]
        assert "\n" not in by_job[kind]


def test_a_session_that_goes_on_after_an_error_tells_nothing(database, logged):
    """SQLAlchemy repeats the text of the first error then."""
    with Session(database.engine) as session:
        session.add(Person(email=NAME, card=CARD))
        with pytest.raises(IntegrityError):
            session.flush()
        with pytest.raises(PendingRollbackError) as caught:
            session.execute(select(people))
    assert NAME not in str(caught.value)
    assert CARD not in str(caught.value)


@contextmanager
def raised():
    """The error and the text of its traceback."""
    said: list[str] = []
    try:
        yield said
    except Exception:
        said.append(traceback.format_exc())
    assert said, "nothing was raised"


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_driver_used_by_hand_tells_nothing(database, logged):
    """The owner takes psycopg's own connection, so that no error passes SQLAlchemy."""
    with raised() as said, job_session(context(uuid4().hex)) as session:
        raw = session.connection().connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        raw.execute("INSERT INTO people (email, card) VALUES (%s, %s)", (NAME, CARD))
    assert NAME not in said[0]
    assert "UniqueViolation (sqlstate 23505), constraint uq_people_email, table people" in said[0]


TRACEBACKS = {
    "Traceback (most recent call last):\n  File 'x', line 1\n    f()\nValueError: wrong\n": (
        "ValueError: wrong"
    ),
    "Traceback (most recent call last):\n  File 'x'\na.B: 1 error\n\nx\n  missing\n\n"
    "During handling of the above exception, another exception occurred:\n\n"
    "Traceback (most recent call last):\n  File 'x'\n    f()\n"
    "ValidationError: 1 error for X\ny\n  missing [type=missing]\n    For more see": (
        "ValidationError: 1 error for X"
    ),
    "Traceback (most recent call last):\n  File 'x'\nsqlalchemy.exc.E: \n(x) wrong\n"
    "(Background on this error at: https://sqlalche.me/e/20/gkpj)": "sqlalchemy.exc.E:",
    "Job stopped by user.": "Job stopped by user.",
    "  + Exception Group Traceback (most recent call last):\n  |   File 'x'\n"
    "  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n"
    "    | Traceback (most recent call last):\n    |   File 'y'\n    | ValueError: a\n": (
        "ExceptionGroup: two (2 sub-exceptions)"
    ),
    "": "",
}


@pytest.mark.parametrize(("trace", "line"), TRACEBACKS.items())
def test_the_line_of_a_traceback_that_says_something(trace, line):
    assert error_of_traceback(trace) == line
