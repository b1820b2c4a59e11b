"""The outbox: jobs that commit with the API server's own data.

An API server writes a row into the table `worker_outbox` of its own database, in its own
transaction; the worker publishes it. Any language can send the SQL. In Python, with this package:

    from worker_payment.kit.integrations.outbox import insert

    with Session(engine) as session, session.begin():
        session.add(order)
        session.execute(insert(approve, ApprovePayload(order_id=order.id)))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .publishing import insert

__all__ = ["insert"]


def __getattr__(name: str) -> object:
    # SQLAlchemy costs 0.2 s and is needed only where something is inserted.
    if name in __all__:
        return getattr(import_module(f"{__name__}.publishing"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
