"""The access token: one for all threads and all replicas, renewed before it ends.

Source: manual v2.7, chapter 6 (인증 토큰 발급): POST /v1/token with HTTP Basic; valid 24 hours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from threading import Lock

from redis.exceptions import LockError, RedisError

from ..shared_state import SharedState

KST = timezone(timedelta(hours=9), "KST")
_LONGEST = 24 * 3600.0  # seconds that a token is valid, by the manual
_EARLY = 600.0  # seconds before its end at which a token is renewed
_GUESS = 3600.0  # seconds a token is trusted when its end cannot be read

# Another replica may have renewed it meanwhile: only the token that failed is dropped.
_DISCARD = "if redis.call('HGET', KEYS[1], 'value') == ARGV[1] then redis.call('DEL', KEYS[1]) end"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when it ends, in seconds since 1970."""

    value: str = field(repr=False)
    ends: float


def read_end(expired: object, now: float) -> float:
    """Return when a token ends, from the vendor's `expired` (yyyyMMddHHmmss).

    The manual names no time zone; Korean time is assumed. An end that is past, unreadable or
    further away than a token can live is not believed.
    """
    try:
        end = datetime.strptime(str(expired), "%Y%m%d%H%M%S").replace(tzinfo=KST).timestamp()
    except ValueError:
        return now + _GUESS
    return min(end, now + _LONGEST) if end > now else now + _GUESS


class TokenCache:
    """Keeps the token, and gets a new one before it ends.

    Args:
        issue: Asks the vendor for a token.
        state: Shared with the other replicas.
        name: Of the account, in the keys.
        patience: Seconds that a replica waits for another one that is asking.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        issue: Callable[[], Token],
        state: SharedState,
        name: str,
        patience: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issue = issue
        self._state = state
        self._note = f"token:{name}"
        self._patience = patience
        self._clock = clock
        self._lock = Lock()
        self._token: Token | None = None
        self._discard = state.connection.register_script(_DISCARD)

    def get(self) -> Token:
        """Return a token that is valid for some minutes at least."""
        token = self._token
        if token is not None and self._fresh(token):
            return token
        with self._lock:  # one thread of this process asks, the others wait
            if self._token is None or not self._fresh(self._token):
                self._token = self._shared() or self._renew()
            return self._token

    def discard(self, token: Token) -> None:
        """Drop a token that the vendor refused, here and for every replica."""
        with self._lock:
            if self._token is not None and self._token.value == token.value:
                self._token = None
        key = self._state.key(self._note)
        self._state.ask(lambda: self._discard(keys=[key], args=[token.value]))

    def _renew(self) -> Token:
        lock = self._state.lock(self._note, self._patience)
        # Without the lock after all that patience, its holder is stuck: ask all the same.
        held = self._state.ask(lock.acquire)
        try:
            token = self._shared()
            if token is None:
                token = self._issue()
                left = token.ends - self._clock()
                values = {"value": token.value, "ends": str(token.ends)}
                self._state.keep(self._note, values, left)
            return token
        finally:
            if held:
                try:
                    lock.release()
                except (LockError, RedisError):
                    pass  # it opened by itself meanwhile, or will

    def _shared(self) -> Token | None:
        note = self._state.note(self._note)
        if not note:
            return None
        token = Token(note["value"], float(note["ends"]))
        return token if self._fresh(token) else None

    def _fresh(self, token: Token) -> bool:
        return token.ends - self._clock() > _EARLY
