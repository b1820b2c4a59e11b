"""Stands in for a mail server: takes every mail and tells its subject."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class _Inbox:
    async def handle_DATA(self, *call: Any) -> str:  # noqa: N802 - server, session, envelope
        envelope = call[-1]
        mail = message_from_bytes(envelope.content, policy=policy.default)
        recipients = ", ".join(envelope.rcpt_tos)
        print(f"   The mail server took, for {recipients}: {mail['Subject']}", flush=True)
        return "250 OK"


@contextmanager
def serve(folder: Path) -> Iterator[dict[str, str]]:
    """Run it while inside; see `standins`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(_Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield {"MAIL_PROVIDER": "smtp", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port)}
    finally:
        controller.stop()
