"""What the modules on Amazon Web Services share: the client and the meaning of its errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import urlsplit

from pydantic import SecretStr

from ..engine import PermanentError, TemporaryError
from ..signs import Sign, http_sign, signed
from .text import masked
from .tls import tls_reason

_CONNECT_TIMEOUT = 5.0  # seconds; a data centre that does not answer by then will not
_TEMPORARY_CODES = frozenset(
    {
        "ExpiredToken",  # the credential chain fetches a new one
        "ExpiredTokenException",
        "InternalError",
        "InternalFailure",
        "LimitExceededException",
        "OperationAborted",
        "ConditionalRequestConflict",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "SendingPausedException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


# S3 says so of a whole server or bucket, not of one request.
_AWAY_CODES = frozenset({"ServiceUnavailable", "SlowDown"})

_PARAMETER = re.compile(r"parameter (?:input: )?\"?([\w.\[\]]+)|metadata for key \"([\w-]+)\"")
# The client's fault: another attempt meets the same.
_NOT_IMPLEMENTED = 501


def aws_client(
    service: str,
    *,
    region: str,
    access_key_id: str | None = None,
    secret_access_key: SecretStr | None = None,
    session_token: SecretStr | None = None,
    endpoint: str | None = None,
    timeout: float,
    attempts: int = 1,
    connections: int = 10,
    **options: Any,
) -> Any:
    """Make a client. Clients are safe to share between threads.

    Args:
        service: As boto3 calls it.
        region: For instance `ap-northeast-2`.
        access_key_id: Without it the default credential chain is asked: variables of the
            environment, the shared files, the role of the machine or container.
        secret_access_key: Belongs to the key id.
        session_token: For temporary keys.
        endpoint: URL of another server that speaks the same protocol.
        timeout: Seconds to wait for each piece of an answer.
        attempts: How often a call is tried in all, with a short wait between.
        connections: How many are kept open.
        **options: More options of `botocore.config.Config`.

    Sources:
        https://boto3.amazonaws.com/v1/documentation/api/latest/guide/configuration.html
    """
    from boto3.session import Session  # noqa: PLC0415 - a second to import, so only when used
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=min(_CONNECT_TIMEOUT, timeout),
        read_timeout=timeout,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
        tcp_keepalive=True,
        **options,
    )
    # A session of its own: the default one must not be used by several threads.
    return Session().client(
        service,
        region_name=region,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=_reveal(secret_access_key),
        aws_session_token=_reveal(session_token),
        endpoint_url=endpoint,
        config=config,
    )


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def raise_as(
    error: Exception,
    *,
    what: str,
    permanent: type[PermanentError],
    temporary: type[TemporaryError],
    repeatable: bool,
    not_found: type[PermanentError] | None = None,
    hint: Callable[[str, int, str], str] = lambda *_: "",
) -> NoReturn:
    """Raise an error of boto3 as one that says whether another attempt may help.

    Raised `from None`, and with codes alone: the text of an answer repeats addresses, account
    names and keys of objects, and a traceback would print it.

    Args:
        error: What boto3 raised.
        what: Begins the message, for instance `upload of a.csv`.
        permanent: Raised when the answer will stay the same.
        temporary: Raised when it may change; with the seconds of `Retry-After` if given, and
            signed with what it says about the service.
        repeatable: Whether the call does no harm when it is made twice.
        not_found: Raised instead of `permanent` when there is no such thing.
        hint: Returns what to do about a code, an HTTP status and the server's words.
    """
    from botocore import exceptions as boto  # noqa: PLC0415

    what = masked(what)
    if isinstance(error, boto.ClientError):
        code, status = _code(error), _status(error)
        text = f"{what}: {code} (HTTP {status}){_https(error)}"
        text += hint(code, status, str(error.response.get("Error", {}).get("Message", "")))
        if status == 404 and not_found is not None and code != "NoSuchBucket":
            raise not_found(text) from None
        busy = status in {408, 425, 429} or (status >= 500 and status != _NOT_IMPLEMENTED)
        if busy or code in _TEMPORARY_CODES:
            sign = Sign.AWAY if code in _AWAY_CODES else http_sign(status, repeatable=repeatable)
            made = temporary(text, retry_after=_retry_after(error))
            raise signed(made, sign, f"{code} (HTTP {status})") from None
        raise permanent(text) from None
    reason = tls_reason(error)
    if reason is not None:
        raise permanent(f"{what}: {reason}") from None
    reason = f"{type(error).__name__}{_detail(error)}"
    text = f"{what}: {reason}"
    temporary_kinds = (
        boto.ConnectionError,
        boto.HTTPClientError,
        boto.IncompleteReadError,
        boto.FlexibleChecksumError,
        boto.CredentialRetrievalError,
        OSError,
    )
    if isinstance(error, temporary_kinds):
        raise signed(temporary(text), _sign(error, repeatable), reason) from None
    # No credentials, or a value that cannot be sent.
    if isinstance(error, boto.BotoCoreError | UnicodeError):
        raise permanent(text) from None
    raise error


def _sign(error: Exception, repeatable: bool) -> Sign | None:
    """Return what an error of the connection says."""
    from botocore import exceptions as boto  # noqa: PLC0415

    if isinstance(error, boto.FlexibleChecksumError | boto.CredentialRetrievalError):
        return None
    unreached = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)
    if isinstance(error, unreached):
        return Sign.UNREACHED
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError | boto.IncompleteReadError):
        return Sign.AWAY if repeatable else Sign.UNCERTAIN
    return None  # an error of this machine


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "?"))[:60]


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _https(error: Any) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if 300 <= _status(error) < 400 and str(headers.get("location", "")).startswith("https:"):
        return "; the server redirects to https: use https in the endpoint"
    return ""


def _detail(error: Any) -> str:
    """Return where it happened or which parameter it was; the library's text holds values."""
    host = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url", ""))).netloc
    if host:
        return f" at {host}"
    if type(error).__name__ == "NoCredentialsError":
        return ": no keys in the settings, and none in AWS's default chain"
    if type(error).__name__ == "ParamValidationError":
        names = sorted({first or second for first, second in _PARAMETER.findall(str(error))})
        return f": {', '.join(names[:5])}" if names else ""
    return ""


def _retry_after(error: Any) -> float | None:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
