"""HTTP to vendors: one pooled client, a limit of time, errors that a retry understands."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..engine import PermanentError, TemporaryError
from ..signs import Sign
from .text import decoded, host
from .tls import tls_reason

if TYPE_CHECKING:
    import ssl

    import httpx

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_TLS_RECORD = "\\x15\\x03"  # an alert of TLS, as httpx shows it in its text
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LARGEST = 32 * 1024 * 1024  # bytes of one answer


class UnreachableError(TemporaryError):
    """There was no complete answer.

    Args:
        message: What went wrong.
        sent: False when the request has certainly not left this machine; True when the
            other side may have acted on it.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent

    def sign(self, *, repeatable: bool) -> Sign:
        """Return what it says about the other side.

        Args:
            repeatable: Whether the request does no harm when it is made twice.
        """
        if not self.sent:
            return Sign.UNREACHED
        return Sign.AWAY if repeatable else Sign.UNCERTAIN


class WrongAddressError(PermanentError):
    """The address or its certificate is wrong: another attempt meets the same."""


class OversizedAnswerError(PermanentError):
    """The answer is larger than anything this API sends."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body as JSON, or None when it is not JSON.

        Vendors leave tabs and other control characters in strings; they are read as they are.
        """
        try:
            return json.loads(self.text(), strict=False)
        except (ValueError, RecursionError):
            return None

    def text(self) -> str:
        """Return the body as text, in UTF-8 or CP949."""
        return decoded(self.body, self.charset())

    def charset(self) -> str | None:
        """Return the encoding that the header `Content-Type` declares."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        return found[1] if found else None

    def retry_after(self) -> float | None:
        """Return the seconds that `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date)."""
        value = self.headers.get("retry-after", "").strip()
        try:
            return max(0.0, float(value))
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (ValueError, TypeError):
            return None


class VendorHttp:
    """Calls one vendor. Connections are reused by all threads; nothing is retried here.

    Args:
        base_url: Where the vendor's paths start.
        timeout: Seconds for connecting, for each part and for the whole answer.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._client: httpx.Client | None = None
        self._lock = Lock()

    @property
    def host(self) -> str:
        """The base URL's host, and its port where it names one."""
        return host(self._base_url)

    def request(self, method: str, path: str, **options: Any) -> Answer:
        """Make one call.

        Args:
            method: GET, POST, ...
            path: Starts with a slash; a full URL goes there instead of to the base URL.
            options: As httpx takes them: params, json, data, files, headers.

        Raises:
            UnreachableError: No connection, no answer in time, or it was cut in the middle.
            WrongAddressError: The certificate is not trusted, or the scheme or the address is
                wrong.
            OversizedAnswerError: The answer is absurdly large.
        """
        import httpx  # noqa: PLC0415 - costs 0.1 s, so only a worker that calls pays it

        url = path if path.startswith(("https://", "http://")) else self._base_url + path
        client = self._open()
        end = time.monotonic() + self._timeout
        try:
            with client.stream(method, url, **options) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _LARGEST:
                        raise OversizedAnswerError(f"the answer is over {_LARGEST} bytes")
                    if time.monotonic() > end:  # a server that sends a byte now and then
                        raise UnreachableError("the answer took too long", sent=True)
                answer = Answer(response.status_code, response.headers, bytes(body))
        # `from None`: what the library says may hold the query, and so a key.
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            reason = f"the request cannot be sent to {host(url)} ({type(error).__name__})"
            raise WrongAddressError(reason) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _failure(error, url) from None
        _check_scheme(answer, url)
        return answer

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _open(self) -> httpx.Client:
        import httpx  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(timeout=self._timeout, verify=_trust())
            return self._client


def _failure(error: Exception, url: str) -> UnreachableError | WrongAddressError:
    import httpx  # noqa: PLC0415

    reason = tls_reason(error)
    if reason is not None:
        return WrongAddressError(f"{host(url)}: {reason}")
    if url.startswith("http:") and _TLS_RECORD in str(error):
        return WrongAddressError(f"{host(url)} speaks TLS: use https in the base URL")
    not_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
    text = f"no answer from {host(url)} ({type(error).__name__})"
    return UnreachableError(text, sent=not isinstance(error, not_sent))


def _check_scheme(answer: Answer, url: str) -> None:
    """Refuse an http URL whose server sends every call to https.

    Raises:
        WrongAddressError: The base URL must be changed. A redirect elsewhere is no such case:
            vendors answer one during maintenance.
    """
    where = answer.headers.get("location", "")
    if answer.status in _REDIRECTS and url.startswith("http:") and where.startswith("https:"):
        raise WrongAddressError(f"{host(url)} redirects to https: use https in the base URL")


@cache
def _trust() -> ssl.SSLContext:
    """Return the certificates to trust, read once for all vendors."""
    import httpx  # noqa: PLC0415

    return httpx.create_ssl_context()
