"""HTTP towards vendors: one pooled client, an upper limit of time, errors a retry understands."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..engine import PermanentError, TemporaryError

if TYPE_CHECKING:
    import ssl

    import httpx

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


class OversizedAnswerError(PermanentError):
    """The answer is larger than anything this API sends."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON, or None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def retry_after(self) -> float | None:
        """Seconds that `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date)."""
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

    def request(self, method: str, path: str, **options: Any) -> Answer:
        """Make one call.

        Args:
            method: GET, POST, ...
            path: Starts with a slash; a full URL goes there instead of to the base URL.
            options: As httpx takes them: params, json, data, files, headers.

        Raises:
            UnreachableError: No connection, no answer in time, or it was cut in the middle.
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
                return Answer(response.status_code, response.headers, bytes(body))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(_describe(error, url), sent=False) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise UnreachableError(_describe(error, url), sent=True) from error

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


def _describe(error: Exception, url: str) -> str:
    # The host alone: a query may hold a key.
    return f"no answer from {urlsplit(url).netloc} ({type(error).__name__})"


@cache
def _trust() -> ssl.SSLContext:
    """The certificates to trust, read once for all vendors."""
    import httpx  # noqa: PLC0415

    return httpx.create_ssl_context()
