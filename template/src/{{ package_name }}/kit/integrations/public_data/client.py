"""A client for the services of data.go.kr: pages of typed rows, within the quota.

Source: OpenAPI 활용가이드 of data.go.kr: serviceKey, pageNo, numOfRows, totalCount; errors of the
gateway (`OpenAPI_ServiceResponse`) and of the services (`resultCode`), often with HTTP 200.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from pydantic import ValidationError

from ...breaker import Breaker, asks_for, breakers
from ...engine import JobContext, provide
from ...signs import http_sign, signed
from ..shared_state import SharedState
from ..text import composed, host, without
from ..vendor_http import Answer, UnreachableError, VendorHttp, WrongAddressError
from . import public_data
from .answer import Result, read_result
from .errors import (
    PublicDataAwayError,
    PublicDataIncompleteError,
    PublicDataRefusedError,
    PublicDataRowError,
    PublicDataUnavailableError,
)
from .limits import Limits
from .result_codes import Outcome, ResultCode
from .run import Run
from .service import Page, Row, Service, normalise_key
from .settings import PublicDataSettings

log = structlog.get_logger(__name__)

_PORTAL = {"data.go.kr", "www.data.go.kr"}
_SECOND = 1.0  # to wait after "too many a second" without a time
_LONGEST_WAIT = 5.0  # seconds that are waited for here instead of by the job
_TRIES = 3  # of one call that meets the limit of a second
_OWN = frozenset({"value_error", "assertion_error"})


class PublicData:
    """Reads public data. One for the whole process; safe to use from many threads.

    Args:
        settings: Base URL, key and limits.
        state: What the replicas share: turns, budgets.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        settings: PublicDataSettings,
        state: SharedState,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._state = state
        seconds = settings.timeout / 1000
        self._http = VendorHttp(_services_url(settings.base_url), seconds)
        self._breakers: dict[str, Breaker] = {}
        self._limits = Limits(state, settings.rate, max(seconds, _LONGEST_WAIT), clock)

    def page(
        self,
        service: Service[Row],
        params: Mapping[str, str | int] | None = None,
        *,
        number: int = 1,
        size: int = 100,
        service_key: str | None = None,
    ) -> Page[Row]:
        """Read one page.

        Args:
            service: What to ask.
            params: The question.
            number: Of the page, counted from 1.
            size: Rows of a page; services have limits of their own.
            service_key: Encoded or decoded; by default GOVERMENT_KOREA_DATA_SERVICE_KEY.

        Raises:
            PublicDataRefusedError: Trying again cannot help.
            PublicDataRowError: A row does not fit the service's model, or the rows have no known
                shape.
            PublicDataIncompleteError: There must be rows, and none came.
            QuotaSpentError: Not before tomorrow.
            PublicDataUnavailableError: Trying again may help.
        """
        result = self._result(service, params, number, size, service_key)
        rows = result.rows or []
        if not rows and result.total is not None and (number - 1) * size < result.total:
            raise PublicDataIncompleteError(
                f"{service.path}: page {number} is empty, and there are {result.total} rows"
            )
        return Page(number, [_row(service, each) for each in rows], result.total)

    def pages(
        self,
        service: Service[Row],
        params: Mapping[str, str | int] | None = None,
        *,
        size: int = 100,
        after: Mapping[str, Any] | None = None,
        service_key: str | None = None,
    ) -> Iterator[Page[Row]]:
        """Read all pages, each when it is needed.

        Args:
            service: What to ask.
            params: The question.
            size: Rows of a page.
            after: The state of the last page that is done with (`Page.state`), for instance
                `JobContext.state`: the next one comes first. One of another question counts as None.
            service_key: As for `page`.

        Raises:
            PublicDataIncompleteError: The service announced more rows than it sent.
            PublicDataPagingError: It sends the same rows for every page.
        """
        question = _digest(json.dumps([service.path, size, dict(params or {})], sort_keys=True))
        run = Run(service.path, size, question)
        if after and run.resume(after):
            log.info("public_data.resume", page=run.page + 1)
        while not run.over:
            number = run.page + 1
            result = self._result(service, params, number, size, service_key)
            rows = result.rows or []
            if run.take(rows, result.total):
                read = [_row(service, each) for each in rows]
                yield Page(number, read, run.total, run.state())

    def rows(
        self,
        service: Service[Row],
        params: Mapping[str, str | int] | None = None,
        *,
        size: int = 100,
        service_key: str | None = None,
    ) -> Iterator[Row]:
        """Read all rows of all pages; see `pages`."""
        for page in self.pages(service, params, size=size, service_key=service_key):
            yield from page.rows

    def close(self) -> None:
        """Close the connections to the services and to Redis."""
        for breaker in list(self._breakers.values()):
            breaker.close()
        self._http.close()
        self._state.close()

    def _key(self, given: str | None) -> str:
        known = self._settings.service_key
        key = given or (known.get_secret_value() if known is not None else "")
        if not key.strip():
            raise PublicDataRefusedError("GOVERMENT_KOREA_DATA_SERVICE_KEY is not set")
        return normalise_key(key)

    def _result(
        self,
        service: Service[Row],
        params: Mapping[str, str | int] | None,
        number: int,
        size: int,
        service_key: str | None,
    ) -> Result:
        key = self._key(service_key)
        paging = {service.paging.number: number, service.paging.size: size}
        asked = {**service.options, **(params or {}), **paging, service.key_name: key}
        # Decomposed Hangul finds nothing.
        query = {name: composed(v) if isinstance(v, str) else v for name, v in asked.items()}
        result = self._ask(service, query, key)
        if result.rows is None:
            raise PublicDataRowError(
                f"the rows of {service.path} have no known shape: there is {result.found}"
            )
        return result

    def _ask(self, service: Service[Row], query: Mapping[str, str | int], key: str) -> Result:
        # The quota belongs to an operation and a key; the key itself stays out of Redis.
        operation = f"{urlsplit(service.path).path}@{_digest(key)[:8]}"
        limit = service.daily_limit
        budget = self._settings.daily_limit if limit is None else limit
        for attempt in range(1, _TRIES + 1):
            self._limits.enter(operation, budget)
            with self._breaker(service.path).call(PublicDataAwayError):
                answer = self._get(service.path, query)
                result = read_result(answer.body, answer.charset())
                code = _code(answer, result)
                if code is None and http_sign(answer.status, repeatable=True) is not None:
                    _checked(answer, result, code, query)
            if code is ResultCode.QUOTA_SPENT:
                raise self._limits.stop(operation)
            if code is None or code.outcome is not Outcome.WAIT:
                break
            # All replicas share the limit, so all of them wait for the next turn.
            asked = answer.retry_after()
            wait = _SECOND if asked is None else asked
            self._limits.hold(min(wait, 60.0))
            if attempt == _TRIES or wait > _LONGEST_WAIT:
                raise PublicDataUnavailableError(
                    "too many calls a second", code=code, retry_after=wait
                )
        return _checked(answer, result, code, query)

    def _get(self, path: str, query: Mapping[str, str | int]) -> Answer:
        try:
            return self._http.request("GET", path, params=dict(query))
        except UnreachableError as error:
            made = PublicDataUnavailableError(str(error))
            raise signed(made, error.sign(repeatable=True)) from None
        except WrongAddressError as error:
            raise PublicDataRefusedError(str(error)) from None

    def _breaker(self, path: str) -> Breaker:
        """What watches the host of a service."""
        name = f"public data {host(path) or self._http.host}"
        if name not in self._breakers:
            asks = asks_for(PublicData)
            made = Breaker(
                name,
                self._settings.breaker,
                # With several hosts it takes an outage to see who needs which.
                needed=lambda path: len(self._breakers) == 1 and asks(path),
            )
            self._breakers[name] = breakers.add(made)
        return self._breakers[name]


def _code(answer: Answer, result: Result | None) -> ResultCode | None:
    if result is not None and result.code is not None:
        return result.code
    # Some errors of the gateway are a line of text, or an unreadable page.
    found = ResultCode.find_text(answer.body[:2000].decode("utf-8", "replace"))
    if found is not None and found is not ResultCode.NORMAL:
        return found
    return ResultCode.TOO_MANY_PER_SECOND if answer.status == 429 else None


def _checked(
    answer: Answer,
    result: Result | None,
    code: ResultCode | None,
    query: Mapping[str, str | int],
) -> Result:
    if result is not None and result.success and answer.status < 400:
        return result
    said = str(code) if code is not None else "nothing readable"
    if result is not None and code is None:
        said = without(result.said, query.values())
    message = f"the service answered {said}, HTTP {answer.status}"
    if code is not None and code not in (ResultCode.NORMAL, ResultCode.NO_DATA):
        permanent = code.outcome is Outcome.PERMANENT
    else:
        # Codes of a single service mean that the question was wrong.
        permanent = 400 <= answer.status < 500 or (result is not None and answer.status < 400)
    if permanent and answer.status != 408:
        raise PublicDataRefusedError(message, code=code)
    made = PublicDataUnavailableError(message, code=code, retry_after=answer.retry_after())
    raise signed(made, http_sign(answer.status, repeatable=True) if code is None else None)


def _row(service: Service[Row], values: dict[str, object]) -> Row:
    try:
        return service.row.model_validate(values)
    except ValidationError as error:
        fields = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: "
            # What an own validator raises may hold the value.
            f"{each['type'] if each['type'] in _OWN else each['msg']}"
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise PublicDataRowError(f"a row of {service.path} does not fit: {fields}") from None


def _services_url(url: str) -> str:
    """Return the services' address for the portal's, the original's default, which has no data."""
    parts = urlsplit(url)
    if parts.hostname not in _PORTAL:
        return url
    log.warning("public_data.portal", given=url, used="https://apis.data.go.kr")
    return urlunsplit(("https", "apis.data.go.kr", parts.path, "", ""))


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _provided(_: JobContext) -> AbstractContextManager[PublicData]:
    return nullcontext(public_data())


provide(PublicData, _provided)
