"""Calls of the message API: rate, token, and what an answer means."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from ...breaker import Breaker
from ...signs import Sign, http_sign, signed
from ..shared_state import SharedState
from ..vendor_http import Answer, UnreachableError, VendorHttp, WrongAddressError
from .errors import (
    BizppurioAwayError,
    BizppurioRefusedError,
    BizppurioUnavailableError,
    BizppurioUncertainError,
)
from .result_codes import ResultCode
from .settings import BizppurioSettings
from .token import Token, TokenCache, read_end

_RENEW = {ResultCode.TOKEN_INVALID, ResultCode.BEARER_INVALID}
# A gateway lost the answer: what stands behind it may have taken the message.
_LOST = {ResultCode.BAD_GATEWAY, ResultCode.GATEWAY_TIMEOUT}
_SHORT_RESET = 2.0  # seconds of a rate limit that are waited for here instead of by the job
_LONGEST_RESET = 60.0  # a limit's window is about a second; more than this is a misprint
_TRIES = 4  # of one call that meets short limits


class Transport:
    """One account at `BIZPPURIO_MSG_BASE_URL`. Safe to use from many threads.

    Args:
        settings: The account, paths and rate.
        http: The vendor's client.
        breaker: Watches the vendor.
        state: Shared with the other replicas.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        settings: BizppurioSettings,
        http: VendorHttp,
        breaker: Breaker,
        state: SharedState,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._http = http
        self._breaker = breaker
        self._state = state
        self._clock = clock
        self._timeout = settings.bizppurio_msg_timeout / 1000
        account = f"{settings.bizppurio_msg_base_url} {settings.bizppurio_msg_id}"
        self._name = blake2b(account.encode(), digest_size=6).hexdigest()
        # Longer than one call for a token, with its turn, can take.
        patience = 2 * self._timeout + 1
        self.tokens = TokenCache(self._issue, state, self._name, patience, clock)

    def call(self, path: str, *, uncertain: bool = False, **options: Any) -> dict[str, Any]:
        """POST with the token, renewing it once when it is not accepted.

        Args:
            path: Of the API.
            uncertain: Whether a lost answer leaves open what happened.
            options: As httpx takes them.

        Raises:
            BizppurioRefusedError: Trying again cannot help.
            BizppurioUnavailableError: Trying again may help.
        """
        token = self.tokens.get()
        answer = self._post(path, f"Bearer {token.value}", uncertain, options)
        if _code(answer) in _RENEW:
            self.tokens.discard(token)
            token = self.tokens.get()
            answer = self._post(path, f"Bearer {token.value}", uncertain, options)
        return _accepted(answer, uncertain)

    def _issue(self) -> Token:
        identity = self._settings.bizppurio_msg_id
        password = self._settings.bizppurio_msg_password.get_secret_value()
        basic = b64encode(f"{identity}:{password}".encode()).decode()
        path = self._settings.bizppurio_msg_token_uri
        found = _accepted(self._post(path, f"Basic {basic}", False, {"json": {}}))
        value = found.get("accesstoken")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise BizppurioUnavailableError("the token call was answered without a token")
        return Token(value, read_end(found.get("expired"), self._clock()))

    def _post(
        self, path: str, authorization: str, uncertain: bool, options: dict[str, Any]
    ) -> Answer:
        rate = self._settings.bizppurio_msg_rate
        options |= {"headers": {"Authorization": authorization, "Accept": "application/json"}}
        for attempt in range(1, _TRIES + 1):
            self._state.wait_turn(self._name, rate, max(self._timeout, _SHORT_RESET))
            with self._breaker.call(BizppurioAwayError):
                answer = self._request(path, uncertain, options)
            if answer.status != 429:
                break
            reset = _reset(answer)
            # All replicas share the limit, so all of them wait.
            self._state.pause(self._name, min(1.0 if reset is None else reset, _LONGEST_RESET))
            if reset is None or reset > _SHORT_RESET or attempt == _TRIES:
                raise BizppurioUnavailableError(
                    "too many requests", code=ResultCode.RATE_LIMITED, retry_after=reset
                )
        return answer

    def _request(self, path: str, uncertain: bool, options: dict[str, Any]) -> Answer:
        """Make one call. Returns what is an answer, and no sign of a vendor that is away."""
        try:
            answer = self._http.request("POST", path, **options)
        except UnreachableError as error:
            kind = BizppurioUncertainError if uncertain and error.sent else None
            made = (kind or BizppurioUnavailableError)(str(error))
            raise signed(made, error.sign(repeatable=not uncertain)) from None
        except WrongAddressError as error:
            raise BizppurioRefusedError(str(error)) from None
        if _sign(answer, uncertain) is not None:
            _accepted(answer, uncertain)
        return answer


def _sign(answer: Answer, uncertain: bool) -> Sign | None:
    code = _code(answer)
    if code is ResultCode.GATEWAY_BUSY:
        return Sign.AWAY
    if code in _LOST:
        return Sign.UNCERTAIN if uncertain else Sign.AWAY
    return http_sign(answer.status, repeatable=not uncertain) if code is None else None


def _reset(answer: Answer) -> float | None:
    """Seconds that a 429 asks to wait: `RateLimit-Reset` (for instance 0.299), `Retry-After`.

    A help page calls the unit milliseconds; 0.299 for a window of 1,000 calls are seconds.
    """
    try:
        reset = float(answer.headers.get("ratelimit-reset", ""))
    except ValueError:
        return answer.retry_after()
    return min(reset, _LONGEST_RESET) if math.isfinite(reset) and reset >= 0 else None


def _code(answer: Answer) -> ResultCode | None:
    found = answer.json()
    return ResultCode.find(found.get("code")) if isinstance(found, dict) else None


def _accepted(answer: Answer, uncertain: bool = False) -> dict[str, Any]:
    found = answer.json()
    body: dict[str, Any] = found if isinstance(found, dict) else {}
    code = ResultCode.find(body.get("code"))
    if answer.status == 200 and body and (code is ResultCode.ACCEPTED or "code" not in body):
        return body
    said = str(code) if code is not None else f"code {_short(body.get('code'))}"
    message = f"Bizppurio answered {said}, HTTP {answer.status}"
    permanent = code.permanent if code is not None else 400 <= answer.status < 500
    if permanent and answer.status != 408:
        raise BizppurioRefusedError(message, code=code)
    if uncertain and (code in _LOST or (code is None and answer.status in {200, 500, 502, 504})):
        raise signed(BizppurioUncertainError(message, code=code), _sign(answer, uncertain))
    made = BizppurioUnavailableError(message, code=code, retry_after=answer.retry_after())
    raise signed(made, _sign(answer, uncertain))


def _short(value: object) -> str:
    return "".join(each for each in str(value)[:8] if each.isalnum()) or "none"
