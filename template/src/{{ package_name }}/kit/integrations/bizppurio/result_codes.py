"""Every documented result code: what it means, and whether trying again can help.

Sources: "비즈뿌리오 메시지 HTTP API 연동 규격" v2.7, chapters 8 and 9, and its successor,
the manual v3.5 (biztech.gitbook.io/webapi).
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Outcome(StrEnum):
    """What a code says about a message."""

    ACCEPTED = "accepted"  # taken by Bizppurio; says nothing about its arrival
    DELIVERED = "delivered"
    PERMANENT = "permanent"  # failed, and the same message would fail again
    TEMPORARY = "temporary"  # failed, and may work later
    UNCERTAIN = "uncertain"  # may have arrived or may still


class ResultCode(Enum):
    """A code of the API or of a report.

    Args:
        code: As the vendor writes it.
        outcome: What follows from it.
        meaning: In English.
    """

    # API answers (manual v2.7 chapter 8; v3.5, status codes)
    ACCEPTED = ("1000", Outcome.ACCEPTED, "accepted for sending; not delivered yet")
    INVALID_REQUEST = ("2000", Outcome.PERMANENT, "the message is not valid")
    IP_NOT_REGISTERED = ("3000", Outcome.PERMANENT, "no IP address is allowed for this account")
    BASIC_AUTH_INVALID = ("3001", Outcome.PERMANENT, "the id and password are not valid")
    TOKEN_INVALID = ("3002", Outcome.TEMPORARY, "the token is not valid")
    IP_INVALID = ("3003", Outcome.PERMANENT, "the IP address is not valid")
    ACCOUNT_INVALID = ("3004", Outcome.PERMANENT, "the account is not valid")
    BEARER_INVALID = ("3005", Outcome.TEMPORARY, "the bearer authorization is not valid")
    ACCOUNT_UNKNOWN = ("3006", Outcome.PERMANENT, "there is no such account")
    PASSWORD_INVALID = ("3007", Outcome.PERMANENT, "the password is wrong")
    TOO_MANY_CONNECTIONS = ("3008", Outcome.TEMPORARY, "more connections than the account may have")
    ACCOUNT_SUSPENDED = ("3009", Outcome.PERMANENT, "the account is suspended")
    IP_NOT_ALLOWED = ("3010", Outcome.PERMANENT, "this IP address is not allowed for the account")
    INTERNAL_ERROR = ("3011", Outcome.TEMPORARY, "unknown error inside Bizppurio")
    MESSAGE_UNKNOWN = ("3012", Outcome.PERMANENT, "no such message (they are kept for 35 days)")
    MESSAGE_UNFINISHED = ("3013", Outcome.TEMPORARY, "the message has no result yet")
    REPORT_REQUEST_FAILED = ("5000", Outcome.TEMPORARY, "the report could not be requested again")
    URI_UNKNOWN = ("5001", Outcome.PERMANENT, "there is no such path")
    RATE_LIMITED = ("5002", Outcome.TEMPORARY, "too many requests")
    BAD_GATEWAY = ("5003", Outcome.TEMPORARY, "unknown error (502)")
    GATEWAY_BUSY = ("5004", Outcome.TEMPORARY, "too many connections (503)")
    GATEWAY_TIMEOUT = ("5005", Outcome.TEMPORARY, "unknown error (504)")
    UNKNOWN_ERROR = ("9000", Outcome.TEMPORARY, "unknown error")
    BALANCE_EMPTY = ("9070", Outcome.PERMANENT, "the prepaid balance does not suffice")

    # SMS reports (manual v2.7 chapter 9)
    SMS_DELIVERED = ("4100", Outcome.DELIVERED, "delivered")
    SMS_NO_COVERAGE = ("4400", Outcome.TEMPORARY, "no coverage")
    SMS_POWER_OFF = ("4401", Outcome.TEMPORARY, "the phone is off")
    SMS_STORAGE_FULL = ("4402", Outcome.TEMPORARY, "the phone's storage is full")
    SMS_DELETED = ("4403", Outcome.TEMPORARY, "the message was deleted")
    SMS_NO_LOCATION = ("4404", Outcome.TEMPORARY, "the subscriber's location is unknown")
    SMS_PHONE_BUSY = ("4405", Outcome.TEMPORARY, "the phone is busy")
    SMS_WRONG_NUMBER = ("4410", Outcome.PERMANENT, "wrong number")
    SMS_NPDB_ERROR = ("4411", Outcome.TEMPORARY, "number portability lookup failed")
    SMS_REJECTED = ("4412", Outcome.PERMANENT, "the recipient rejects calls")
    SMS_SMSC_FORMAT = ("4413", Outcome.PERMANENT, "format error at the message centre")
    SMS_NO_SUBSCRIBER = ("4414", Outcome.PERMANENT, "no subscriber, or the service is suspended")
    SMS_OTHER = ("4420", Outcome.TEMPORARY, "other error")
    SMS_TIMEOUT = ("4421", Outcome.TEMPORARY, "timeout")
    SMS_PHONE_PAUSED = ("4422", Outcome.TEMPORARY, "the phone is paused")
    SMS_PHONE_REJECTS = ("4423", Outcome.PERMANENT, "the phone rejects messages")
    SMS_URL_UNSUPPORTED = ("4424", Outcome.PERMANENT, "the phone cannot show URL messages")
    SMS_IN_CALL = ("4425", Outcome.TEMPORARY, "the phone is in a call")
    SMS_RETRIES_SPENT = ("4426", Outcome.TEMPORARY, "the carrier's retries are spent")
    SMS_PHONE_PROBLEM = ("4427", Outcome.TEMPORARY, "other problem of the phone")
    SMS_SYSTEM_ERROR = ("4428", Outcome.TEMPORARY, "system error")
    SMS_SPAM = ("4430", Outcome.PERMANENT, "taken for spam")
    SMS_OPTED_OUT = ("4431", Outcome.PERMANENT, "the recipient opted out")
    SMS_SENDER_BLOCKED = ("4432", Outcome.PERMANENT, "the sender's number is blocked (person)")
    SMS_SENDER_BLOCKED_COMPANY = (
        "4433",
        Outcome.PERMANENT,
        "the sender's number is blocked (company)",
    )
    SMS_SENDER_UNREGISTERED = ("4434", Outcome.PERMANENT, "the sender's number is not registered")
    SMS_SENDER_REPORTED = (
        "4435",
        Outcome.PERMANENT,
        "the sender's number is reported as spam (KISA)",
    )
    SMS_SENDER_RULE = (
        "4436",
        Outcome.PERMANENT,
        "the sender's number breaks the registration rules",
    )

    # LMS and MMS reports (manual v2.7 chapter 9)
    MMS_DELIVERED = ("6600", Outcome.DELIVERED, "delivered")
    MMS_TIMEOUT = ("6601", Outcome.TEMPORARY, "timeout")
    MMS_IN_CALL = ("6602", Outcome.TEMPORARY, "the phone is in a call")
    MMS_NO_COVERAGE = ("6603", Outcome.TEMPORARY, "no coverage")
    MMS_POWER_OFF = ("6604", Outcome.TEMPORARY, "the phone is off")
    MMS_STORAGE_FULL = ("6605", Outcome.TEMPORARY, "the phone's storage is full")
    MMS_WRONG_NUMBER = ("6606", Outcome.PERMANENT, "wrong number")
    MMS_SUSPENDED = ("6607", Outcome.TEMPORARY, "the service is suspended for a time")
    MMS_PHONE_PROBLEM = ("6608", Outcome.TEMPORARY, "other problem of the phone")
    MMS_REJECTED = ("6609", Outcome.PERMANENT, "the recipient rejects calls")
    MMS_OTHER = ("6610", Outcome.TEMPORARY, "other error")
    MMS_SMC_FORMAT = ("6611", Outcome.PERMANENT, "format error at the carrier")
    MMS_GATEWAY_FORMAT = ("6612", Outcome.PERMANENT, "format error at the gateway")
    MMS_PHONE_UNABLE = ("6613", Outcome.PERMANENT, "the phone has no such service")
    MMS_CALL_IMPOSSIBLE = ("6614", Outcome.TEMPORARY, "the phone cannot be reached")
    MMS_DELETED = ("6615", Outcome.TEMPORARY, "deleted by the carrier's operator")
    MMS_CARRIER_QUEUE_FULL = ("6616", Outcome.TEMPORARY, "the carrier's queue is full")
    MMS_SPAM_CARRIER = ("6617", Outcome.PERMANENT, "taken for spam by the carrier")
    MMS_SPAM_FTC = ("6618", Outcome.PERMANENT, "taken for spam by the trade commission")
    MMS_SPAM_GATEWAY = ("6619", Outcome.PERMANENT, "taken for spam by the gateway")
    MMS_TOO_MANY = ("6620", Outcome.TEMPORARY, "more messages than may be sent")
    MMS_TOO_LONG = ("6621", Outcome.PERMANENT, "the message is too long")
    MMS_NUMBER_FORMAT = ("6622", Outcome.PERMANENT, "malformed number")
    MMS_DATA_FORMAT = ("6623", Outcome.PERMANENT, "malformed data")
    MMS_NOT_FOUND = ("6624", Outcome.PERMANENT, "the attachment cannot be found")
    MMS_NPDB_ERROR = ("6625", Outcome.TEMPORARY, "number portability lookup failed")
    MMS_OPTED_OUT_080 = ("6626", Outcome.PERMANENT, "the recipient opted out (080)")
    MMS_OPTED_OUT = ("6627", Outcome.PERMANENT, "the recipient opted out")
    MMS_SENDER_BLOCKED = ("6628", Outcome.PERMANENT, "the sender's number is blocked (person)")
    MMS_SENDER_BLOCKED_COMPANY = (
        "6629",
        Outcome.PERMANENT,
        "the sender's number is blocked (company)",
    )
    MMS_NUMBER_UNABLE = ("6630", Outcome.PERMANENT, "this number has no such service")
    MMS_SENDER_UNREGISTERED = ("6631", Outcome.PERMANENT, "the sender's number is not registered")
    MMS_SENDER_REPORTED = (
        "6632",
        Outcome.PERMANENT,
        "the sender's number is reported as spam (KISA)",
    )
    MMS_SENDER_RULE = (
        "6633",
        Outcome.PERMANENT,
        "the sender's number breaks the registration rules",
    )
    MMS_SPAM_BLOCKED = ("6641", Outcome.PERMANENT, "blocked as spam")
    MMS_ATTACHMENT_TOO_LARGE = ("6670", Outcome.PERMANENT, "the attachment is too large")

    # Kakao reports (manual v2.7 chapter 9; v3.5, AT/AI/FT)
    KAKAO_DELIVERED = ("7000", Outcome.DELIVERED, "delivered")
    KAKAO_FORMAT = ("7101", Outcome.PERMANENT, "malformed for Kakao")
    KAKAO_SENDER_KEY_INVALID = ("7103", Outcome.PERMANENT, "the sender key is not valid")
    KAKAO_SENDER_KEY_UNKNOWN = ("7105", Outcome.PERMANENT, "there is no such sender key")
    KAKAO_SENDER_KEY_DELETED = ("7106", Outcome.PERMANENT, "the sender key was deleted")
    KAKAO_SENDER_KEY_BLOCKED = ("7107", Outcome.PERMANENT, "the sender key is blocked")
    KAKAO_CHANNEL_BLOCKED = ("7108", Outcome.PERMANENT, "the channel is blocked")
    KAKAO_CHANNEL_CLOSED = ("7109", Outcome.PERMANENT, "the channel is closed")
    KAKAO_CHANNEL_DELETED = ("7110", Outcome.PERMANENT, "the channel was deleted")
    KAKAO_CHANNEL_LEAVING = ("7111", Outcome.PERMANENT, "the channel is about to be deleted")
    KAKAO_BUSINESS_NUMBER = ("7112", Outcome.PERMANENT, "the business number is not valid")
    KAKAO_CHANNEL_MUTED = ("7125", Outcome.PERMANENT, "the channel may not send messages")
    KAKAO_NO_FRIEND = ("7203", Outcome.PERMANENT, "the recipient is no friend of the channel")
    KAKAO_TEMPLATE_MISMATCH = ("7204", Outcome.PERMANENT, "the text does not fit the template")
    KAKAO_TEMPLATE_UNAPPROVED = ("7206", Outcome.PERMANENT, "the template is not approved")
    KAKAO_OTHER = ("7300", Outcome.TEMPORARY, "other error")
    KAKAO_UNCERTAIN = (
        "7305",
        Outcome.UNCERTAIN,
        "perhaps delivered; it may still arrive within 30 days",
    )
    KAKAO_SYSTEM_ERROR = ("7306", Outcome.TEMPORARY, "system error at Kakao")
    KAKAO_NUMBER = ("7308", Outcome.PERMANENT, "wrong number")
    KAKAO_NOT_FOUND = ("7311", Outcome.PERMANENT, "there is no such message")
    KAKAO_TOO_LONG = ("7314", Outcome.PERMANENT, "the message is too long")
    KAKAO_NO_TEMPLATE = ("7315", Outcome.PERMANENT, "there is no such template")
    KAKAO_UNSENDABLE = ("7318", Outcome.PERMANENT, "the message cannot be sent to this recipient")
    KAKAO_RECIPIENT_BLOCKED = ("7320", Outcome.PERMANENT, "the recipient blocks the channel")
    KAKAO_FORBIDDEN_TIME = ("7322", Outcome.TEMPORARY, "not at this time of the day")
    KAKAO_NO_GROUP = ("7323", Outcome.PERMANENT, "there is no such message group")
    KAKAO_NO_RESEND = ("7324", Outcome.PERMANENT, "there is no message to send again")
    KAKAO_VARIABLE_LENGTH = ("7325", Outcome.PERMANENT, "a variable is too long")
    KAKAO_BUTTON_LENGTH = ("7326", Outcome.PERMANENT, "a button's text is too long")
    KAKAO_BUTTON_MISMATCH = ("7327", Outcome.PERMANENT, "the buttons do not fit the template")
    KAKAO_TITLE_MISMATCH = ("7328", Outcome.PERMANENT, "the title does not fit the template")
    KAKAO_TITLE_LENGTH = ("7329", Outcome.PERMANENT, "the title is too long (50 characters)")
    KAKAO_EMPHASIS_MISMATCH = (
        "7330",
        Outcome.PERMANENT,
        "the kind of emphasis does not fit the template",
    )
    KAKAO_HEADER_MISMATCH = ("7331", Outcome.PERMANENT, "the header does not fit the template")
    KAKAO_HEADER_LENGTH = ("7332", Outcome.PERMANENT, "the header is too long (16 characters)")
    KAKAO_HIGHLIGHT_MISMATCH = (
        "7333",
        Outcome.PERMANENT,
        "the highlight does not fit the template",
    )
    KAKAO_HIGHLIGHT_TITLE = ("7334", Outcome.PERMANENT, "the highlight's title is too long")
    KAKAO_HIGHLIGHT_TEXT = ("7335", Outcome.PERMANENT, "the highlight's text is too long")
    KAKAO_ITEMS_MISMATCH = ("7336", Outcome.PERMANENT, "the item list does not fit the template")
    KAKAO_ITEM_LENGTH = ("7337", Outcome.PERMANENT, "an item is too long (23 characters)")
    KAKAO_SUMMARY_MISMATCH = ("7338", Outcome.PERMANENT, "the summary does not fit the template")
    KAKAO_SUMMARY_LENGTH = ("7339", Outcome.PERMANENT, "the summary is too long (14 characters)")
    KAKAO_SUMMARY_TEXT = (
        "7340",
        Outcome.PERMANENT,
        "the summary holds a character that is not allowed",
    )
    KAKAO_ITEM_COUNT = ("7341", Outcome.PERMANENT, "too few or too many items")
    KAKAO_LINK_MISMATCH = ("7342", Outcome.PERMANENT, "the link does not fit the template")
    KAKAO_CAROUSEL_COUNT = ("7351", Outcome.PERMANENT, "too few or too many carousel items")
    KAKAO_CAROUSEL_LENGTH = ("7352", Outcome.PERMANENT, "a carousel item is too long")
    KAKAO_TIMEOUT = ("7421", Outcome.TEMPORARY, "timeout")
    KAKAO_BALANCE_EMPTY = ("7436", Outcome.PERMANENT, "the balance does not suffice")
    KAKAO_DUPLICATE = ("7521", Outcome.PERMANENT, "sent already (limit of repeated messages)")
    KAKAO_UNKNOWN = ("7523", Outcome.TEMPORARY, "other error")

    def __init__(self, code: str, outcome: Outcome, meaning: str) -> None:
        self.code = code
        self.outcome = outcome
        self.meaning = meaning

    def __str__(self) -> str:
        return f"{self.code} ({self.meaning})"

    @property
    def permanent(self) -> bool:
        """Whether sending the same again is pointless."""
        return self.outcome is Outcome.PERMANENT

    @classmethod
    def find(cls, code: object) -> ResultCode | None:
        """The code with this number, written as text or number; None when it is unknown."""
        return _BY_CODE.get(str(code).strip())


_BY_CODE = {each.code: each for each in ResultCode}
