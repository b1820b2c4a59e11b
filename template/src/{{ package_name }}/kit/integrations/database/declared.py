"""What processors name: the session, its instance, the owner's tables. It loads no driver.

An API that only publishes imports the processors, too.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import MetaData
from sqlalchemy.orm import Session

from ...engine import JobContext, provide
from . import MAIN

__all__ = ["Instance", "Session", "metadata", "transaction"]

# Tables that the owner declares with it are those that `db revision --autogenerate` compares.
# A constraint without a name could not be dropped later.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


@dataclass(frozen=True, slots=True)
class Instance:
    """Names another instance of `DATABASE_CONFIG`: `Annotated[Session, Instance("STATS")]`."""

    name: str = MAIN


def transaction(instance: str = MAIN) -> AbstractContextManager[Session]:
    """A transaction beside the job's own: committed at the end, rolled back by an error.

    It does not take part in "one job, one transaction": use it for reading elsewhere, or for
    what must stay although the job fails.

    Args:
        instance: Name of the instance.
    """
    from .session import own_transaction  # noqa: PLC0415

    return own_transaction(instance)


def _of_attempt(context: JobContext, *extras: object) -> AbstractContextManager[Session]:
    from .session import job_session  # noqa: PLC0415

    return job_session(context, *extras)


provide(Session, _of_attempt)
