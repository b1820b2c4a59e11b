"""What can be sent, checked before it leaves.

Source: "비즈뿌리오 메시지 HTTP API 연동 규격" v2.7, chapter 6 (CONTENT), and the manual v3.5
(biztech.gitbook.io/webapi). Lengths of SMS, LMS and MMS count EUC-KR bytes, those of AlimTalk
count characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..text import composed, without_invisible
from .errors import InvalidMessageError

# What word processors and web pages write, and EUC-KR has not: blanks, dashes, bullets, won, tilde.
_LOOK_ALIKE = str.maketrans(
    dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-")
    | {"\u2014": "\u2015", "\u2022": "\u00b7", "\u20a9": "\uffe6", "\u301c": "\uff5e"}
)
_VARIABLE = re.compile(r"#\{[^{}\n]{0,60}\}")


def euc_kr_bytes(text: str) -> int:
    """Return the length of a text as Bizppurio counts it: 2 for a Korean letter, 1 for an ASCII one.

    Raises:
        InvalidMessageError: A character, for instance an emoji, does not exist there.
    """
    try:
        # cp949 is EUC-KR with all 11,172 syllables; Python's euc_kr spells some in 8 bytes.
        return len(text.encode("cp949"))
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise InvalidMessageError(
            f"the character U+{code:04X} at position {error.start} is not in EUC-KR"
        ) from None


def line_breaks(text: str) -> str:
    """Return a text with line breaks as templates have them, and none at its end.

    A message that differs from its template by a carriage return is not delivered.
    """
    return composed(text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _set(content: object, *names: str) -> None:
    """Bring texts to the form that is counted and sent, and refuse what a person must not read.

    Raises:
        InvalidMessageError: A variable of a template was not filled in.
    """
    for name in names:
        value = getattr(content, name)
        if value is not None:
            text = line_breaks(value)
            unfilled = _VARIABLE.search(text)
            if unfilled:
                raise InvalidMessageError(f"{name} has an unfilled variable: {unfilled[0]}")
            object.__setattr__(content, name, text)


def _set_plain(content: object, *names: str) -> None:
    """Like `_set`, for what phones show: characters that EUC-KR lacks become those it has."""
    _set(content, *names)
    for name in names:
        value = getattr(content, name)
        if value is not None:
            text = without_invisible(value).translate(_LOOK_ALIKE)
            object.__setattr__(content, name, text)


def _limit(name: str, length: int, longest: int, unit: str) -> None:
    if length > longest:
        raise InvalidMessageError(f"{name} has {length} {unit}; at most {longest} are allowed")


def _text(name: str, value: str, longest: int) -> None:
    _limit(name, euc_kr_bytes(value), longest, "bytes (EUC-KR)")


def _filled(name: str, value: str) -> None:
    if not value.strip():
        raise InvalidMessageError(f"{name} is empty")


def _without_none(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, ())}


@dataclass(frozen=True, slots=True)
class Sms:
    """A short message: at most 90 bytes."""

    kind: ClassVar[str] = "sms"
    message: str = field(repr=False)

    def __post_init__(self) -> None:
        _set_plain(self, "message")
        _filled("message", self.message)
        _text("message", self.message, 90)

    def as_json(self) -> dict[str, Any]:
        """The vendor's `content.sms`."""
        return {"message": self.message}


@dataclass(frozen=True, slots=True)
class Lms:
    """A long message: at most 2,000 bytes, subject 64."""

    kind: ClassVar[str] = "lms"
    message: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _set_plain(self, "message", "subject")
        _filled("message", self.message)
        _text("message", self.message, 2000)
        _text("subject", self.subject or "", 64)

    def as_json(self) -> dict[str, Any]:
        """The vendor's `content.lms`."""
        return _without_none(message=self.message, subject=self.subject)


@dataclass(frozen=True, slots=True)
class Mms:
    """A message with one to three pictures.

    Args:
        files: Keys that `Bizppurio.upload` returned; valid for a day.
        message: At most 2,000 bytes; may be absent.
        subject: At most 64 bytes.
    """

    kind: ClassVar[str] = "mms"
    files: tuple[str, ...]
    message: str | None = field(default=None, repr=False)
    subject: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _set_plain(self, "message", "subject")
        if not 1 <= len(self.files) <= 3:
            raise InvalidMessageError(f"an MMS has 1 to 3 files, not {len(self.files)}")
        for key in self.files:
            _filled("file key", key)
            _limit("file key", len(key), 40, "characters")
        _text("message", self.message or "", 2000)
        _text("subject", self.subject or "", 64)

    def as_json(self) -> dict[str, Any]:
        """The vendor's `content.mms`."""
        files = [{"type": "IMG", "key": key} for key in self.files]
        return _without_none(message=self.message, subject=self.subject, file=files)


_BUTTON_TEXTS = (
    "url_mobile",
    "url_pc",
    "scheme_ios",
    "scheme_android",
    "chat_extra",
    "chat_event",
)


@dataclass(frozen=True, slots=True)
class Button:
    """A button or a quick reply of an AlimTalk message; it must be the template's.

    Args:
        name: At most 28 characters.
        type: WL web link, AL app link, DS delivery tracking, BK keyword, MD keyword with
            text, BC talk to a person, BT bot, AC add channel, P1-P3 plugins.
        url_mobile: Needed by WL; AL needs two of url_mobile and the schemes.
        url_pc: For the desktop.
        scheme_ios: Opens the app on iOS.
        scheme_android: Opens the app on Android.
        chat_extra: For BC and BT.
        chat_event: For BT.
    """

    name: str
    type: str = "WL"
    url_mobile: str | None = None
    url_pc: str | None = None
    scheme_ios: str | None = None
    scheme_android: str | None = None
    chat_extra: str | None = None
    chat_event: str | None = None

    def __post_init__(self) -> None:
        _set(self, "name", *_BUTTON_TEXTS)
        _filled("button name", self.name)
        _limit("button name", len(self.name), 28, "characters")
        if len(self.type) != 2 or not self.type.isupper():
            raise InvalidMessageError("a button type has two capitals, for instance WL")
        if self.type == "WL" and not self.url_mobile:
            raise InvalidMessageError("a WL button needs url_mobile")
        links = [self.url_mobile, self.scheme_ios, self.scheme_android]
        if self.type == "AL" and sum(map(bool, links)) < 2:
            raise InvalidMessageError(
                "an AL button needs two of url_mobile, scheme_ios and scheme_android"
            )

    def as_json(self) -> dict[str, Any]:
        """One object of the vendor's `button` or `quickreply`."""
        return _without_none(
            name=self.name,
            type=self.type,
            url_mobile=self.url_mobile,
            url_pc=self.url_pc,
            scheme_ios=self.scheme_ios,
            scheme_android=self.scheme_android,
            chat_extra=self.chat_extra,
            chat_event=self.chat_event,
        )


@dataclass(frozen=True, slots=True)
class AlimTalk:
    """A KakaoTalk message made from an approved template.

    Args:
        template_code: At most 32 characters.
        message: The template's text with every variable filled in; at most 1,000 characters.
        sender_key: Of the channel, 40 characters; by default BIZPPURIO_MSG_SENDER_KEY.
        buttons: At most 5, exactly those of the template.
        quick_replies: At most 10.
        title: The template's emphasised title; at most 50 characters.
        image: True for a template with a picture (type `ai`).
    """

    template_code: str
    message: str = field(repr=False)
    sender_key: str | None = field(default=None, repr=False)
    buttons: tuple[Button, ...] = ()
    quick_replies: tuple[Button, ...] = ()
    title: str | None = field(default=None, repr=False)
    image: bool = False

    def __post_init__(self) -> None:
        _set(self, "message", "title")
        _filled("message", self.message)
        _limit("message", len(self.message), 1000, "characters")
        _filled("template code", self.template_code)
        _limit("template code", len(self.template_code), 32, "characters")
        _limit("sender key", len(self.sender_key or ""), 40, "characters")
        _limit("title", len(self.title or ""), 50, "characters")
        _limit("the message", len(self.buttons), 5, "buttons")
        _limit("the message", len(self.quick_replies), 10, "quick replies")

    @property
    def kind(self) -> str:
        """`at`, or `ai` with a picture."""
        return "ai" if self.image else "at"

    def as_json(self) -> dict[str, Any]:
        """The vendor's `content.at` or `content.ai`."""
        return _without_none(
            senderkey=self.sender_key,
            templatecode=self.template_code,
            message=self.message,
            title=self.title,
            button=[each.as_json() for each in self.buttons] or None,
            quickreply=[each.as_json() for each in self.quick_replies] or None,
        )


Content = Sms | Lms | Mms | AlimTalk
