"""Writes a mail to files, to look at it before it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .address import Address
from .errors import MailTemplateError
from .message import InlineImage, Mail, build, used_images
from .templates import HTML, SUBJECT, TEXT, MailTemplates

_SENDER = Address("sender@example.com")
EXAMPLE = "example.json"
# A grey dot of one pixel stands for pictures that the job brings along.
_DOT = bytes.fromhex(
    "4749463839610100010080000080808000000021f90400000000002c00000000010001000002024401003b"
)


def example_data(templates: MailTemplates, template: str) -> dict[str, Any]:
    """Return the values in the template's `example.json`; none without that file.

    Raises:
        MailTemplateError: The file is not a JSON object.
    """
    path = templates.folder / template / EXAMPLE
    if not path.is_file():
        return {}
    return parse_data(path.read_text(encoding="utf-8"), str(path))


def parse_data(text: str, source: str) -> dict[str, Any]:
    """Read values for a template.

    Raises:
        MailTemplateError: The text is not a JSON object.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise MailTemplateError(f"{source} is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise MailTemplateError(f"{source} must be a JSON object")
    return data


def write_preview(
    templates: MailTemplates, template: str, data: Mapping[str, Any], to: Address, out: Path
) -> list[Path]:
    """Render a template into a folder.

    Returns:
        The files: the bodies, the subject, and `mail.eml` for a mail program.

    Raises:
        MailInputError: The template or its values are wrong.
    """
    rendered = templates.render(template, data)
    images = [
        InlineImage(cid, _DOT, "image/gif") for cid in sorted(used_images(rendered.html or ""))
    ]
    message = build(
        Mail(template=template, to=[to], images=images),
        rendered,
        sender=_SENDER,
        message_id="<preview@example.com>",
        now=datetime.now(UTC),
    )
    out.mkdir(parents=True, exist_ok=True)
    files = {SUBJECT: rendered.subject, TEXT: rendered.text, HTML: rendered.html}
    written = []
    for name, text in files.items():
        if text is not None:
            (out / name).write_text(text, encoding="utf-8")
            written.append(out / name)
    (out / "mail.eml").write_bytes(message.as_bytes())
    return [*written, out / "mail.eml"]
