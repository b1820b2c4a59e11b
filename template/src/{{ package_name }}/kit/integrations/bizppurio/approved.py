"""Compares an AlimTalk with the approved template, where the core API is configured.

KakaoTalk delivers no message that differs from its template, and Bizppurio says so only later,
in a delivery report.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog

from ...engine import PermanentError, TemporaryError
from .content import AlimTalk, line_breaks
from .errors import InvalidMessageError
from .templates import BizppurioCore

log = structlog.get_logger(__name__)

_VARIABLE = re.compile(r"#\{[^{}]*\}")
_KEPT = 600.0  # seconds that a template is remembered
_UNKNOWN_KEPT = 60.0  # seconds until the core API is asked again after it did not answer


class ApprovedTexts:
    """The texts of templates, each asked for once in ten minutes. Safe for many threads.

    Args:
        core: The core API.
        clock: Seconds that only grow.
    """

    def __init__(self, core: BizppurioCore, clock: Callable[[], float] = time.monotonic) -> None:
        self._core = core
        self._clock = clock
        self._known: dict[tuple[str, str | None], tuple[float, str | None]] = {}

    def check(self, message: AlimTalk) -> None:
        """Compare a message with its template. What cannot be asked for is not compared.

        Raises:
            InvalidMessageError: It differs. Nothing was sent.
        """
        approved = self._text(message.template_code, message.sender_key)
        if approved is not None and not fits(message.message, approved):
            raise InvalidMessageError(
                f"the message is not the approved text of template {message.template_code}:"
                f" it differs in line {first_difference(message.message, approved)} or after it"
            )

    def _text(self, code: str, sender_key: str | None) -> str | None:
        now = self._clock()
        until, text = self._known.get((code, sender_key), (0.0, None))
        if now < until:
            return text
        try:
            text, kept = self._core.template(code, sender_key=sender_key).template_content, _KEPT
        except (PermanentError, TemporaryError) as error:
            # Sending does not depend on the other API.
            log.warning("bizppurio.template_not_compared", template=code, reason=str(error))
            text, kept = None, _UNKNOWN_KEPT
        self._known[code, sender_key] = (now + kept, text)
        return text


def fits(message: str, template: str) -> bool:
    """Return whether a message is a template with its variables filled in."""
    message, template = line_breaks(message), line_breaks(template)
    first, *others = _VARIABLE.split(template)
    if not others:
        return message == template
    *middle, last = others
    if not message.startswith(first):
        return False
    place = len(first)
    for part in middle:
        found = message.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return message.endswith(last) and len(message) - len(last) >= place


def first_difference(message: str, template: str) -> int:
    """Return the number of the first line that does not fit its line of the template."""
    lines, approved = line_breaks(message).split("\n"), line_breaks(template).split("\n")
    for number, (line, wanted) in enumerate(zip(lines, approved, strict=False), 1):
        if not fits(line, wanted):
            return number
    return min(len(lines), len(approved)) + 1
