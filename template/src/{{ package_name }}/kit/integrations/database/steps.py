"""A long job in one transaction per step: what a step wrote commits with the state after it."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from .errors import TransactionEndedError
from .records import Taken, hold, keep


class Steps:
    """Keeps the state of an attempt in its record (a `StateKeeper` of the engine).

    Args:
        connection: The connection of the job's transaction.
        session: The processor's session on it.
        taken: The record that the attempt holds.
    """

    def __init__(self, connection: Connection, session: Session, taken: Taken) -> None:
        self._connection = connection
        self._session = session
        self.taken = taken
        self._transaction = connection.get_transaction()
        self.state = taken.state

    def flush(self) -> None:
        """Send what the session still holds, in the transaction that holds the record.

        Raises:
            TransactionEndedError: The processor has rolled that transaction back.
        """
        if self._connection.get_transaction() is not self._transaction:
            raise TransactionEndedError
        self._session.flush()

    def save(self, state: str, *, last: bool) -> None:
        """Commit what was written together with the state, and hold the record again.

        Raises:
            TransactionEndedError: The processor has rolled the transaction back.
            TakenOverError: Another worker has gone on with the target; nothing was committed.
        """
        self.flush()
        self._session.commit()  # of the session alone: its next use joins the next transaction
        kept = keep(self._connection, self.taken, state)
        self._connection.commit()
        self.taken, self.state = kept, state
        if not last:
            hold(self._connection, self.taken)
            self._transaction = self._connection.get_transaction()
