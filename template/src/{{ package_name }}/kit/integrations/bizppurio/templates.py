"""The core API of Bizppurio: AlimTalk templates.

Source: "비즈뿌리오 카카오 템플릿 관리 API" (bizmessage.zendesk.com, 템플릿 목록조회 및 상세조회):
POST JSON with bizId and apiKey in the body, answer `{code, message, data}`, code "200".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ...breaker import Breaker, asks_for, breakers
from ...engine import JobContext, provide
from ...signs import http_sign, signed
from ..text import without
from ..vendor_http import Answer, UnreachableError, VendorHttp, WrongAddressError
from . import bizppurio_core
from .errors import BizppurioAwayError, BizppurioRefusedError, BizppurioUnavailableError
from .settings import BizppurioSettings

_SUCCESS = "200"
_SENDABLE = {"RDY", "ACT"}  # approved: not used yet, in use


class AlimTalkTemplate(BaseModel):
    """A template. What the vendor adds beyond these fields is kept in `model_extra`."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="allow"
    )

    template_code: str
    template_name: str = ""
    sender_key: str | None = None
    template_content: str | None = None
    status: str | None = None
    service_status: str | None = None
    inspection_status: str | None = None
    buttons: list[dict[str, Any]] | None = None

    @property
    def sendable(self) -> bool:
        """Return whether messages can be sent with it: approved, neither blocked nor stopped."""
        if self.service_status or self.status in _SENDABLE:
            return (self.service_status or self.status) in _SENDABLE
        # The detail call says it in two fields: inspection APR, state A (in use) or R (ready).
        return self.inspection_status == "APR" and self.status in {"A", "R"}


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """One page of the list."""

    templates: list[AlimTalkTemplate]
    page: int
    total_pages: int
    total_count: int


@dataclass(frozen=True, slots=True)
class CoreCredentials:
    """Who asks; by default BIZPPURIO_CORE_BIZ_ID and BIZPPURIO_CORE_API_KEY."""

    biz_id: str
    api_key: str = field(repr=False)


class BizppurioCore:
    """Reads AlimTalk templates. Safe to use from many threads.

    Args:
        settings: Base URL, paths and credentials.
    """

    def __init__(self, settings: BizppurioSettings) -> None:
        self._settings = settings
        self._http: VendorHttp | None = None
        self._breaker: Breaker | None = None
        if settings.bizppurio_core_base_url is not None:
            timeout = settings.bizppurio_core_timeout / 1000
            self._http = VendorHttp(settings.bizppurio_core_base_url, timeout)
            name = f"Bizppurio core {self._http.host}"
            self._breaker = breakers.add(
                Breaker(name, settings.bizppurio_breaker, needed=asks_for(BizppurioCore))
            )

    @property
    def configured(self) -> bool:
        """Return whether the settings say where the core API is and who asks."""
        settings = self._settings
        known = settings.bizppurio_core_biz_id and settings.bizppurio_core_api_key
        return self._http is not None and bool(known)

    def template(
        self,
        template_code: str,
        *,
        sender_key: str | None = None,
        key_type: Literal["S", "G"] = "S",
        credentials: CoreCredentials | None = None,
    ) -> AlimTalkTemplate:
        """Read one template.

        Args:
            template_code: Its code.
            sender_key: Of the channel (S) or the group (G); by default
                BIZPPURIO_MSG_SENDER_KEY.
            key_type: What the sender key is.
            credentials: Instead of those in the settings.

        Raises:
            BizppurioRefusedError: There is none, or it may not be read.
            BizppurioUnavailableError: Trying again may help.
        """
        path = self._settings.bizppurio_core_get_alimtalk_template_uri
        body = self._body(sender_key, key_type, credentials) | {"templateCode": template_code}
        data = self._call(path, body).get("data")
        if not isinstance(data, dict):
            raise BizppurioRefusedError("the template call was answered without a template")
        return _template(data)

    def templates(
        self,
        *,
        sender_key: str | None = None,
        key_type: Literal["S", "G"] = "S",
        page_size: int = 100,
        credentials: CoreCredentials | None = None,
    ) -> Iterator[AlimTalkTemplate]:
        """Read all templates, each page when it is needed."""
        page, seen, last = 1, 0, list[str]()
        while True:
            found = self.templates_page(
                page,
                sender_key=sender_key,
                key_type=key_type,
                page_size=page_size,
                credentials=credentials,
            )
            codes = [each.template_code for each in found.templates]
            if codes and codes == last:
                raise BizppurioRefusedError(f"page {page} of the templates repeats the one before")
            seen, last = seen + len(codes), codes
            yield from found.templates
            if page < found.total_pages and not codes:
                raise BizppurioUnavailableError(
                    f"{seen} of {found.total_count} templates came, page {page} is empty"
                )
            if page >= found.total_pages:
                return
            page += 1

    def templates_page(
        self,
        page: int,
        *,
        sender_key: str | None = None,
        key_type: Literal["S", "G"] = "S",
        page_size: int = 100,
        credentials: CoreCredentials | None = None,
    ) -> TemplatePage:
        """Read one page of the list, counted from 1."""
        path = self._settings.bizppurio_core_get_alimtalk_templates_uri
        body = self._body(sender_key, key_type, credentials)
        answer = self._call(path, body | {"page": page, "count": page_size})
        data = answer.get("data")
        # The totals stand beside the list, and in some versions beside `data`.
        totals = answer | data if isinstance(data, dict) else answer
        rows = data.get("list") if isinstance(data, dict) else data
        if rows is not None and not isinstance(rows, list):
            raise BizppurioRefusedError("the list of templates does not have its documented form")
        return TemplatePage(
            templates=[_template(each) for each in rows or [] if isinstance(each, dict)],
            page=_whole(totals.get("currentPage"), page),
            total_pages=_whole(totals.get("totalPage"), 1),
            total_count=_whole(totals.get("totalCount"), len(rows or [])),
        )

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None and self._breaker is not None:
            self._breaker.close()
            self._http.close()

    def _body(
        self, sender_key: str | None, key_type: str, credentials: CoreCredentials | None
    ) -> dict[str, Any]:
        settings = self._settings
        key = sender_key or settings.bizppurio_msg_sender_key
        secret = settings.bizppurio_core_api_key
        if credentials is None and settings.bizppurio_core_biz_id and secret is not None:
            credentials = CoreCredentials(settings.bizppurio_core_biz_id, secret.get_secret_value())
        if credentials is None:
            raise BizppurioRefusedError(
                "set BIZPPURIO_CORE_BIZ_ID and BIZPPURIO_CORE_API_KEY or pass credentials"
            )
        if not key:
            raise BizppurioRefusedError("set BIZPPURIO_MSG_SENDER_KEY or pass sender_key")
        return {
            "bizId": credentials.biz_id,
            "apiKey": credentials.api_key,
            "senderKey": key,
            "senderKeyType": key_type,
        }

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._http is None or self._breaker is None:
            raise BizppurioRefusedError("BIZPPURIO_CORE_BASE_URL is not set")
        with self._breaker.call(BizppurioAwayError):
            try:
                answer = self._http.request("POST", path, json=body)
            except UnreachableError as error:
                made = BizppurioUnavailableError(str(error))
                raise signed(made, error.sign(repeatable=True)) from None
            except WrongAddressError as error:
                raise BizppurioRefusedError(str(error)) from None
            return _success(answer, body)


def _success(answer: Answer, body: dict[str, Any]) -> dict[str, Any]:
    found = answer.json()
    if answer.status == 429 or answer.status >= 500:
        made = BizppurioUnavailableError(
            f"Bizppurio core answered HTTP {answer.status}", retry_after=answer.retry_after()
        )
        raise signed(made, http_sign(answer.status, repeatable=True))
    if not isinstance(found, dict):
        raise BizppurioUnavailableError(f"Bizppurio core sent no JSON, HTTP {answer.status}")
    code = str(found.get("code"))
    if code == _SUCCESS and answer.status < 400:
        return found
    # The text is the vendor's own and says why.
    said = " ".join(str(found.get("message") or "no reason").split())[:200]
    reason = without(said, body.values())
    if code.startswith("5"):
        raise BizppurioUnavailableError(f"Bizppurio core answered {code}: {reason}")
    raise BizppurioRefusedError(f"Bizppurio core answered {code[:8]}: {reason}")


def _template(data: dict[str, Any]) -> AlimTalkTemplate:
    try:
        return AlimTalkTemplate.model_validate(data)
    except ValidationError as error:
        raise BizppurioRefusedError(
            f"a template does not have its documented form ({error.error_count()} fields)"
        ) from None


def _whole(value: object, default: int) -> int:
    try:
        return int(str(value))
    except ValueError:
        return default


def _provided(_: JobContext) -> AbstractContextManager[BizppurioCore]:
    return nullcontext(bizppurio_core())


provide(BizppurioCore, _provided)
