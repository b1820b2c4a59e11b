"""What a TLS error means: a certificate or a setting that must be changed, or a broken line."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

# Each says that the other side does not speak the TLS we speak; another attempt meets the same.
_SETTINGS = {
    "WRONG_VERSION_NUMBER": "the port speaks no TLS",
    "HTTP_REQUEST": "the port speaks no TLS",
    "UNSUPPORTED_PROTOCOL": "the server's version of TLS is too old",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server's version of TLS is too old",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server refuses the handshake",
    "DH_KEY_TOO_SMALL": "the server's key is too short",
}


def tls_reason(error: BaseException) -> str | None:
    """Return why TLS will fail again, or None when the error is no such one.

    Args:
        error: As a library raised it; what it wraps is looked through.
    """
    for each in wrapped(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {each.verify_message}"
        if isinstance(each, ssl.SSLError) and each.reason in _SETTINGS:
            return f"{_SETTINGS[each.reason]} ({each.reason})"
    return None


def wrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it wraps."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        # urllib3 keeps it as `reason`, firebase-admin as `cause`, requests as an argument.
        waiting += [each.__cause__, each.__context__, *each.args]
        waiting += [getattr(each, "reason", None), getattr(each, "cause", None)]
