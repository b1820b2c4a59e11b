"""What the modules on Amazon Web Services share: the client and the sense of its errors."""

from __future__ import annotations

from typing import Any, NoReturn

from pydantic import SecretStr

from ..engine import PermanentError, TemporaryError

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
    not_found: type[PermanentError] | None = None,
) -> NoReturn:
    """Raise an error of boto3 as one that says whether trying again may help.

    Args:
        error: What boto3 raised.
        what: Begins the message, for instance `upload of a.csv`.
        permanent: Raised when the answer will stay the same.
        temporary: Raised when it may change; with the seconds of `Retry-After` if given.
        not_found: Raised instead of `permanent` when there is no such thing.
    """
    from botocore import exceptions as boto  # noqa: PLC0415

    if isinstance(error, boto.ClientError):
        code = str(error.response.get("Error", {}).get("Code", "?"))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        text = f"{what}: {code} (HTTP {status}): {_message(error)}"
        if status == 404 and not_found is not None and code != "NoSuchBucket":
            raise not_found(text) from error
        if status in {408, 425, 429} or status >= 500 or code in _TEMPORARY_CODES:
            raise temporary(text, retry_after=_retry_after(error)) from error
        raise permanent(text) from error
    text = f"{what}: {type(error).__name__}: {error}"
    temporary_kinds = (
        boto.ConnectionError,
        boto.HTTPClientError,
        boto.IncompleteReadError,
        boto.FlexibleChecksumError,
        boto.CredentialRetrievalError,
        OSError,
    )
    if isinstance(error, boto.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise permanent(text) from error
    if isinstance(error, temporary_kinds):
        raise temporary(text) from error
    if isinstance(error, boto.BotoCoreError):  # no credentials, or a value that cannot be sent
        raise permanent(text) from error
    raise error


def _message(error: Any) -> str:
    return " ".join(str(error.response.get("Error", {}).get("Message", "")).split())[:200]


def _retry_after(error: Any) -> float | None:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
