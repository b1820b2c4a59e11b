"""What an error says about the other side: that it is away, or nothing of the kind."""

from __future__ import annotations

import errno
import socket
import ssl
from enum import Enum
from typing import TypeVar

E = TypeVar("E", bound=Exception)

_BAD_GATEWAY, _UNAVAILABLE, _GATEWAY_TIMEOUT = 502, 503, 504
_NO_NETWORK = {errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH}


class Sign(Enum):
    """How certain it is that the other side is away and has done nothing for the job."""

    UNREACHED = "unreached"  # nothing was handed over, so the job cannot be the reason
    AWAY = "away"  # it says so or gave no answer, and the call may be repeated
    UNCERTAIN = "uncertain"  # it may have acted: repeating the call may do it twice


def signed(error: E, sign: Sign | None, reason: str = "") -> E:
    """Mark an error with what it says about the other side.

    Args:
        error: The error to raise.
        sign: None for an answer, which a refusal is, too.
        reason: What was seen, without what belongs to the job alone; by default the error's text.
    """
    error.sign, error.reason = sign, reason or str(error)  # type: ignore[attr-defined]
    return error


def sign_of(error: Exception) -> Sign | None:
    """Return what `signed` noted."""
    return getattr(error, "sign", None)


def http_sign(status: int, *, repeatable: bool) -> Sign | None:
    """Return what an HTTP status says.

    Args:
        status: Of the answer.
        repeatable: Whether the request does no harm when it is made twice: a gateway that
            answers 502 or 504 does not know what became of it.
    """
    if status == _UNAVAILABLE:
        return Sign.AWAY
    if status in {_BAD_GATEWAY, _GATEWAY_TIMEOUT}:
        return Sign.AWAY if repeatable else Sign.UNCERTAIN
    return None


def is_network_error(error: BaseException) -> bool:
    """Return whether an error comes from the network, and from no file of this machine."""
    kinds = (ConnectionError, TimeoutError, socket.gaierror, ssl.SSLError, EOFError)
    return isinstance(error, kinds) or (isinstance(error, OSError) and error.errno in _NO_NETWORK)
