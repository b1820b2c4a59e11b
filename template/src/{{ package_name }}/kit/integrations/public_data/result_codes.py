"""The result codes that the services of data.go.kr share.

Source: "공공데이터 개방 표준 오픈API 에러코드" (OpenAPI 활용가이드, data.go.kr).
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Outcome(StrEnum):
    """What follows from a code."""

    SUCCESS = "success"
    EMPTY = "empty"  # no rows match
    TEMPORARY = "temporary"  # may work later
    WAIT = "wait"  # too many calls this second
    TOMORROW = "tomorrow"  # the day's quota is spent
    PERMANENT = "permanent"  # would fail again


class ResultCode(Enum):
    """A code.

    Args:
        code: Two digits.
        text: The vendor's name, which some answers hold instead of the code.
        outcome: What follows from it.
    """

    NORMAL = ("00", "NORMAL_SERVICE", Outcome.SUCCESS)
    APPLICATION_ERROR = ("01", "APPLICATION_ERROR", Outcome.TEMPORARY)
    DB_ERROR = ("02", "DB_ERROR", Outcome.TEMPORARY)
    NO_DATA = ("03", "NODATA_ERROR", Outcome.EMPTY)
    HTTP_ERROR = ("04", "HTTP_ERROR", Outcome.TEMPORARY)
    SERVICE_TIMEOUT = ("05", "SERVICETIMEOUT_ERROR", Outcome.TEMPORARY)
    INVALID_PARAMETER = ("10", "INVALID_REQUEST_PARAMETER_ERROR", Outcome.PERMANENT)
    MISSING_PARAMETER = ("11", "NO_MANDATORY_REQUEST_PARAMETERS_ERROR", Outcome.PERMANENT)
    NO_SERVICE = ("12", "NO_OPENAPI_SERVICE_ERROR", Outcome.PERMANENT)
    ACCESS_DENIED = ("20", "SERVICE_ACCESS_DENIED_ERROR", Outcome.PERMANENT)
    KEY_DISABLED = ("21", "TEMPORARILY_DISABLE_THE_SERVICEKEY_ERROR", Outcome.TEMPORARY)
    QUOTA_SPENT = ("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR", Outcome.TOMORROW)
    TOO_MANY_PER_SECOND = (
        "23",
        "LIMITED_NUMBER_OF_SERVICE_REQUESTS_PER_SECOND_EXCEEDS_ERROR",
        Outcome.WAIT,
    )
    UNAUTHORIZED = ("29", "UNAUTHORIZED_ERROR", Outcome.PERMANENT)
    KEY_UNKNOWN = ("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR", Outcome.PERMANENT)
    KEY_EXPIRED = ("31", "DEADLINE_HAS_EXPIRED_ERROR", Outcome.PERMANENT)
    IP_UNKNOWN = ("32", "UNREGISTERED_IP_ERROR", Outcome.PERMANENT)
    UNSIGNED = ("33", "UNSIGNED_CALL_ERROR", Outcome.PERMANENT)
    UNKNOWN = ("99", "UNKNOWN_ERROR", Outcome.TEMPORARY)

    def __init__(self, code: str, text: str, outcome: Outcome) -> None:
        self.code = code
        self.text = text
        self.outcome = outcome

    def __str__(self) -> str:
        return f"{self.code} ({self.text})"

    @classmethod
    def find(cls, code: object) -> ResultCode | None:
        """Return the code with this number: 0, "00", "000" and "0000" are the same."""
        digits = str(code).strip()
        return _BY_CODE.get(f"{int(digits):02}") if digits.isdecimal() else None

    @classmethod
    def find_text(cls, text: str) -> ResultCode | None:
        """Return the error whose name a text holds, written with underscores or spaces."""
        wanted = text.upper().replace(" ", "_")
        return next((each for each in _LONGEST_FIRST if each.text in wanted), None)


_BY_CODE = {each.code: each for each in ResultCode}
# Plain names such as DB_ERROR stand inside longer ones.
_LONGEST_FIRST = sorted(ResultCode, key=lambda each: -len(each.text))
