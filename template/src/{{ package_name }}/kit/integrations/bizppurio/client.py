"""The message API of Bizppurio: send, upload, ask for reports.

Sources: "비즈뿌리오 메시지 HTTP API 연동 규격" v2.7, chapter 6, and the manual v3.5
(biztech.gitbook.io/webapi: 메시지 발송, File Upload, POLLING 방식).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import structlog

from ...breaker import Breaker, asks_for, breakers
from ...engine import JobContext, provide
from ..shared_state import SharedState, SharedStateError
from ..text import composed
from ..vendor_http import VendorHttp
from . import bizppurio
from .approved import ApprovedTexts
from .content import AlimTalk, Content, Lms, Mms, Sms
from .errors import BizppurioUnavailableError, BizppurioUncertainError, InvalidMessageError
from .numbers import phone_number
from .reports import DeliveryReport, InvalidReportError, parse_report
from .settings import BizppurioSettings
from .templates import BizppurioCore
from .transport import Transport

log = structlog.get_logger(__name__)

_FILE_BYTES = 300 * 1024  # of one picture
_FURTHEST = timedelta(days=30)  # a message can be scheduled ahead


@dataclass(frozen=True, slots=True)
class Accepted:
    """Bizppurio accepted the message. A delivery report says later whether it arrived.

    Args:
        messagekey: The vendor's key, for questions and reports.
        refkey: Ours.
        repeated: True when it had been accepted before and was not sent again.
    """

    messagekey: str
    refkey: str
    repeated: bool = False


def refkey_for(job_id: str, part: str = "") -> str:
    """Return the refkey of a job's message: the same for every attempt, at most 32 characters.

    Args:
        job_id: `JobContext.job_id`.
        part: Distinguishes the messages of one job, for instance the recipient's id.
    """
    text = f"{job_id}-{part}" if part else job_id
    if len(text) <= 32 and text.isascii() and not part:
        return text
    return f"{job_id.encode('ascii', 'replace').decode()[:11]}-{_digest(f'{job_id} {part}')}"


class Bizppurio:
    """Sends messages. One for the whole process; safe to use from many threads.

    Args:
        settings: The account, paths and rate.
        state: What the replicas share: token, rate, accepted messages.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        settings: BizppurioSettings,
        state: SharedState,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._state = state
        self._clock = clock
        self._http = VendorHttp(
            settings.bizppurio_msg_base_url, settings.bizppurio_msg_timeout / 1000
        )
        self._breaker = breakers.add(
            Breaker(
                f"Bizppurio {self._http.host}",
                settings.bizppurio_breaker,
                needed=asks_for(Bizppurio),
            )
        )
        self.transport = Transport(settings, self._http, self._breaker, state, clock)
        self._core = BizppurioCore(settings)
        self._approved = ApprovedTexts(self._core) if self._core.configured else None

    def send(
        self,
        content: Content,
        *,
        to: str,
        refkey: str,
        sender: str | None = None,
        fallback: Sequence[Content] = (),
        send_at: datetime | None = None,
        country: str | None = None,
        userinfo: str | None = None,
    ) -> Accepted:
        """Hand a message over for sending.

        A message that was accepted under this refkey is not sent again: a job that is retried
        after its message was accepted gets the first answer.

        An AlimTalk is compared with its approved template when BIZPPURIO_CORE_BASE_URL,
        BIZPPURIO_CORE_BIZ_ID and BIZPPURIO_CORE_API_KEY are set.

        Args:
            content: What to send.
            to: The recipient's number, as people write it: 010-1234-5678, +82 10-1234-5678.
            refkey: Our key, see `refkey_for`.
            sender: A registered number; by default BIZPPURIO_MSG_FROM.
            fallback: At most two messages that Bizppurio sends in turn when the one before
                cannot be delivered (`resend`).
            send_at: When to send, with a time zone; at most 30 days ahead.
            country: Country code for a number abroad, for instance 1.
            userinfo: Department for the bill; at most 50 characters.

        Returns:
            The keys of the accepted message, which is not delivered yet.

        Raises:
            InvalidMessageError: A rule is broken; nothing was sent.
            BizppurioRefusedError: Trying again cannot help.
            BizppurioUncertainError: The answer was lost; it may have been accepted.
            BizppurioUnavailableError: Trying again may help.
        """
        userinfo = None if userinfo is None else composed(userinfo)
        body = self._body(content, to, refkey, sender, fallback, country)
        extras = {"sendtime": self._sendtime(send_at), "country": country, "userinfo": userinfo}
        _checked("userinfo", userinfo or "", 50)
        self._compare(content, *fallback)
        body |= {key: value for key, value in extras.items() if value is not None}
        return self._once(refkey, body)

    def upload(self, picture: bytes, name: str = "picture.jpg") -> str:
        """Upload a JPEG of at most 300 KB for an MMS.

        Returns:
            Its key, valid for 24 hours, for `Mms(files=...)`.
        """
        if not picture.startswith(b"\xff\xd8"):
            raise InvalidMessageError("the picture is no JPEG")
        if len(picture) > _FILE_BYTES:
            raise InvalidMessageError(f"the picture has {len(picture)} bytes, over {_FILE_BYTES}")
        found = self.transport.call(
            self._settings.bizppurio_msg_file_uri,
            data={"account": self._settings.bizppurio_msg_id},
            files={"file": (composed(name), picture, "image/jpeg")},
        )
        key = str(found.get("filekey") or "").strip()
        if not key:
            raise BizppurioUnavailableError("the upload was answered without a file key")
        return key

    def poll_reports(self) -> list[DeliveryReport]:
        """Fetch the delivery reports that wait at Bizppurio; `confirm_reports` removes them there.

        Polling must be switched on for the account. A report that cannot be read is logged and
        left out, so that it does not block the others.
        """
        path = self._settings.bizppurio_msg_result_request_uri
        reports = []
        found = self.transport.call(path, json=self._account()).get("report") or []
        for each in found if isinstance(found, list) else [found]:
            try:
                reports.append(parse_report(each))
            except InvalidReportError as error:
                log.warning("bizppurio.report_unreadable", reason=str(error))
        return reports

    def confirm_reports(self, reports: Iterable[DeliveryReport]) -> None:
        """Tell Bizppurio that these reports were processed."""
        names = [{"msgid": each.message_id} for each in reports]
        if names:
            path = self._settings.bizppurio_msg_result_confirm_uri
            self.transport.call(path, json=self._account() | {"msgid": names})

    def request_report(self, messagekey: str) -> None:
        """Have the report of a message pushed to the registered URL once more."""
        path = self._settings.bizppurio_msg_report_uri
        self.transport.call(path, json=self._account() | {"messagekey": messagekey})

    def close(self) -> None:
        """Close the connections to Bizppurio and Redis."""
        self._breaker.close()
        self._http.close()
        self._core.close()
        self._state.close()

    def _account(self) -> dict[str, Any]:
        return {"account": self._settings.bizppurio_msg_id}

    def _body(
        self,
        content: Content,
        to: str,
        refkey: str,
        sender: str | None,
        fallback: Sequence[Content],
        country: str | None,
    ) -> dict[str, Any]:
        if not refkey.isascii() or not refkey.strip():
            raise InvalidMessageError("the refkey must be ASCII and not empty")
        _checked("refkey", refkey, 32)
        if len(fallback) > 2:
            raise InvalidMessageError("at most two fallbacks are possible")
        if len(fallback) == 2 and not isinstance(fallback[1], Sms | Lms | Mms):
            raise InvalidMessageError("the second fallback must be SMS, LMS or MMS")
        if len({each.kind for each in fallback}) < len(fallback):
            raise InvalidMessageError("both fallbacks are of the same kind")
        if any(isinstance(each, AlimTalk) and each.image for each in fallback):
            raise InvalidMessageError("an AlimTalk with a picture cannot be a fallback")
        body = self._account() | {
            "type": content.kind,
            "from": phone_number("sender", sender or self._settings.bizppurio_msg_from or ""),
            "to": phone_number("recipient", to, country),
            "refkey": refkey,
            "content": {content.kind: self._filled(content).as_json()},
        }
        if fallback:
            names = ("first", "second")
            body["resend"] = {name: each.kind for name, each in zip(names, fallback, strict=False)}
            body["recontent"] = {each.kind: self._filled(each).as_json() for each in fallback}
        return body

    def _filled(self, content: Content) -> Content:
        if not isinstance(content, AlimTalk) or content.sender_key:
            return content
        key = self._settings.bizppurio_msg_sender_key
        if not key:
            raise InvalidMessageError("AlimTalk needs a sender key (BIZPPURIO_MSG_SENDER_KEY)")
        return replace(content, sender_key=key)

    def _compare(self, *contents: Content) -> None:
        for each in contents:
            if self._approved is not None and isinstance(each, AlimTalk):
                self._approved.check(each)

    def _sendtime(self, send_at: datetime | None) -> str | None:
        if send_at is None:
            return None
        if send_at.tzinfo is None:
            raise InvalidMessageError("send_at needs a time zone")
        ahead = send_at.timestamp() - self._clock()
        if not 0 <= ahead <= _FURTHEST.total_seconds():
            raise InvalidMessageError("send_at must be in the future, at most 30 days ahead")
        return str(int(send_at.timestamp()))

    def _once(self, refkey: str, body: dict[str, Any]) -> Accepted:
        hours = self._settings.bizppurio_msg_remember_hours
        note, same = f"accepted:{refkey}", _digest(json.dumps(body, sort_keys=True))
        known = self._state.note(note) if hours else {}
        if known and known.get("message") != same:
            raise InvalidMessageError("another message was sent under this refkey")
        if known:
            log.info("bizppurio.repeated", refkey=refkey, messageKey=known["key"])
            return Accepted(known["key"], refkey, repeated=True)
        found = self.transport.call(
            self._settings.bizppurio_msg_send_uri, uncertain=True, json=body
        )
        if "code" not in found and not found.get("messagekey"):
            raise BizppurioUncertainError("Bizppurio answered neither a code nor a message key")
        accepted = Accepted(str(found.get("messagekey") or ""), refkey)
        log.info(
            "bizppurio.accepted", type=body["type"], refkey=refkey, messageKey=accepted.messagekey
        )
        if hours:
            try:
                values = {"key": accepted.messagekey, "message": same}
                self._state.keep(note, values, hours * 3600)
            except SharedStateError:
                # It was accepted: failing now would only send it a second time.
                log.warning("bizppurio.not_remembered", refkey=refkey)
        return accepted


def _checked(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise InvalidMessageError(f"{name} has {len(text)} characters; at most {longest}")


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=10).hexdigest()


def _provided(_: JobContext) -> AbstractContextManager[Bizppurio]:
    return nullcontext(bizppurio())


provide(Bizppurio, _provided)
