"""An SMTP server and a server for SES, each with a mailbox to look into."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from mail_templates import TEMPLATES, write_templates
from pydantic import SecretStr

from integrations.network import Authority, Line
from support import free_port
from worker_payment.kit.integrations.mail import Address
from worker_payment.kit.integrations.mail.delivery import Mailer
from worker_payment.kit.integrations.mail.smtp import (
    SmtpConfig,
    SmtpProvider,
)
from worker_payment.kit.integrations.mail.templates import (
    MailTemplates,
)

PASSWORD = "smtp-password-1"
logging.getLogger("mail.log").propagate = False  # what the server writes is not the worker's


class Mailbox:
    """Takes mails as a server does, and refuses recipients whose name says so."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.logins: list[bool] = []
        self.lock = threading.Lock()
        self.most = 1000  # recipients of one mail
        self.too_many = "452 4.5.3 Too many recipients"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("unknown"):
            return "550 5.1.1 no such user"
        if address.startswith("later"):
            return "451 4.7.1 greylisted, try later"
        if address.startswith("private"):
            return f"550 <{address}>: user kim.private@example.com, 010-1234-5678, has left"
        if len(envelope.rcpt_tos) >= self.most:
            return self.too_many
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if b"REFUSE-THIS-MAIL" in envelope.content:
            return "554 5.7.1 looks like spam"
        with self.lock:
            self.envelopes.append(envelope)
            self.logins.append(session.authenticated)
        return "250 OK"

    @property
    def messages(self) -> list[EmailMessage]:
        """Every mail that arrived, as a mail program reads it."""
        return [message_from_bytes(each.content, policy=default) for each in self.envelopes]


class _Controller(Controller):
    """Ends its connections when it stops: the loop that would close them is gone then."""

    def factory(self):
        protocol = super().factory()
        self._protocols = [*getattr(self, "_protocols", []), protocol]
        return protocol

    def stop(self, no_assert=False):
        for protocol in getattr(self, "_protocols", []):
            for transport in (protocol.transport, protocol._original_transport):
                if transport is not None:
                    self.loop.call_soon_threadsafe(transport.abort)
        super().stop(no_assert)


class SmtpServer:
    """An SMTP server on a free port; it knows one user, `worker`."""

    def __init__(self, *, tls=None, implicit_tls=None, login=True, password=PASSWORD) -> None:
        self.password = password
        self.mailbox = Mailbox()
        self._controller = _Controller(
            self.mailbox,
            hostname="127.0.0.1",
            port=free_port(),
            tls_context=tls,
            ssl_context=implicit_tls,
            require_starttls=tls is not None,
            authenticator=self._login,
            auth_required=login and tls is not None,
            auth_require_tls=tls is not None,  # it does not see TLS that was there before it
            enable_SMTPUTF8=True,
        )
        self.port = self._controller.port

    def _login(self, server, session, envelope, mechanism, data):
        good = data.login == b"worker" and data.password == self.password.encode()
        # Unhandled, so that the server answers 535; handled ones leave the client waiting.
        return AuthResult(success=good, handled=good)

    def start(self) -> SmtpServer:
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def start_smtp() -> Iterator[Callable[..., SmtpServer]]:
    """Start SMTP servers; they end with the test."""
    started = []

    def start(**options: Any) -> SmtpServer:
        started.append(SmtpServer(**options).start())
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def smtp(start_smtp, authority) -> SmtpServer:
    """A server as most are: STARTTLS, then a login."""
    return start_smtp(tls=authority.server_context())


@pytest.fixture
def line(smtp) -> Iterator[Line]:
    """A line to that server which can break."""
    line = Line(smtp.port)
    yield line
    line.close()


@pytest.fixture
def provider(authority, start_smtp) -> Iterator[Callable[..., SmtpProvider]]:
    """Make providers for a port; they are closed with the test."""
    made = []

    def make(port: int, **options: Any) -> SmtpProvider:
        chosen = {
            "host": "127.0.0.1",
            "user": "worker",
            "password": SecretStr(PASSWORD),
            "ca_file": authority.file,
            "timeout": 5.0,
        }
        made.append(SmtpProvider(SmtpConfig(port=port, **(chosen | options))))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def templates(tmp_path: Path) -> MailTemplates:
    """Two templates: one with all parts, one of text alone."""
    folder = write_templates(tmp_path / "mail", TEMPLATES)
    return MailTemplates(folder)


@pytest.fixture
def mailer(templates, provider, smtp) -> Mailer:
    """A mailer for the usual server."""
    return Mailer(templates, provider(smtp.port), Address("shop@example.com", "가게"))
