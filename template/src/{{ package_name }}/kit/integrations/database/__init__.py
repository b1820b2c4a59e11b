"""The worker's own database: one transaction per job, job records, failed jobs kept.

A processor asks for a session and writes with it; its writes and the job's record commit
together or not at all:

    from ..integrations.database import Session

    @processor(target=lambda payload: payload.order_id)
    def approve(payload: ApprovePayload, session: Session) -> None:
        session.execute(...)

`Annotated[Session, Instance("STATS")]` names another instance than `MAIN`. Tables declared with
`metadata` are those that `db revision --autogenerate` writes migrations for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .declared import Instance, Session, metadata, transaction

__all__ = ["MAIN", "Instance", "Session", "metadata", "transaction"]

MAIN = "MAIN"


def __getattr__(name: str) -> object:
    # SQLAlchemy costs 0.2 s and is needed only where a processor asks for a session.
    if name in __all__:
        return getattr(import_module(f"{__name__}.declared"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
