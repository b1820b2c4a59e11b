"""Mail by SMTP: TLS, login, and connections that several mails use."""

from __future__ import annotations

import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from ...breaker import Breaker, breakers
from ...config.fields import BreakerConfig
from ...signs import Sign, signed
from ..pool import ConnectionPool
from ..tls import tls_reason
from .errors import MailAwayError, MailError, MailRefusedError, MailUnavailableError, left_over
from .receipt import Refusal
from .replies import describe, too_many, words

# The server answered; the session goes on.
_ANSWERS = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpConfig:
    """Where the server is and how to talk to it.

    Args:
        host: Its name; the certificate must be for it.
        port: 587 for submission, 465 for implicit TLS.
        secure: TLS from the first byte.
        starttls: Without `secure`: `required`, `off`, or `auto`, which demands TLS on port 587
            and before a password is sent, and elsewhere takes it where it is offered.
        user: Login name, or None.
        password: Belongs to the user.
        timeout: Seconds for connecting, for each answer and for handing over the data.
        ca_file: Authorities to trust beside the system's.
    """

    host: str
    port: int
    secure: bool = False
    starttls: Literal["auto", "required", "off"] = "auto"
    user: str | None = None
    password: SecretStr | None = None
    timeout: float = 20.0
    ca_file: Path | None = None


class SmtpProvider:
    """Sends through one SMTP server.

    Args:
        config: Where it is.
        limits: `MAIL_BREAKER`.
        needed: Says whether jobs of a function send mail.
    """

    def __init__(
        self,
        config: SmtpConfig,
        limits: BreakerConfig | None = None,
        needed: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._config = config
        self._breaker = breakers.add(
            Breaker(
                f"SMTP {config.host}:{config.port}",
                limits or BreakerConfig(),
                probe=lambda: _close(self._connect()),
                needed=needed,
            )
        )
        self._context = ssl.create_default_context()
        if config.ca_file is not None:
            self._context.load_verify_locations(config.ca_file)
        self._pool: ConnectionPool[smtplib.SMTP] = ConnectionPool(
            self._connect, _alive, _close, keep_after=_ANSWERS
        )

    def send(
        self, message: EmailMessage, sender: str, recipients: Sequence[str]
    ) -> tuple[str, tuple[Refusal, ...]]:
        """See `Provider.send`."""
        left, refused = list(recipients), list[Refusal]()
        while left:
            try:
                with (
                    self._breaker.call(MailAwayError),
                    self._explained("send"),
                    self._pool.connection() as connection,
                ):
                    answers = connection.send_message(message, sender, left)
            except MailError as error:
                if len(left) == len(recipients):
                    raise
                # The others have the mail: these must not take it from them by another attempt.
                return "", (*refused, *left_over(left, error))
            # What was too many for this mail goes into the next one.
            more = [who for who in left if who in answers and too_many(*answers[who])]
            refused += _refusals({who: answers[who] for who in answers if who not in more})
            left = more
        return "", tuple(refused)

    def check(self) -> str:
        """See `Provider.check`."""
        with self._explained("check"), self._pool.connection() as connection:
            connection.noop()
            encrypted = isinstance(connection.sock, ssl.SSLSocket)
        login = f"logged in as {self._config.user}" if self._config.user else "without login"
        tls = "TLS" if encrypted else "no TLS"
        return f"{self._config.host}:{self._config.port}, {tls}, {login}"

    def close(self) -> None:
        """See `Provider.close`."""
        self._breaker.close()
        self._pool.close()

    def _connect(self) -> smtplib.SMTP:
        with self._explained("connection", connecting=True):
            return self._open()

    def _open(self) -> smtplib.SMTP:
        config = self._config
        # Without a name of ours smtplib asks DNS for one, which can take its time.
        name, timeout = _own_name(), config.timeout
        connection: smtplib.SMTP = (
            smtplib.SMTP_SSL(config.host, config.port, name, timeout=timeout, context=self._context)
            if config.secure
            else smtplib.SMTP(config.host, config.port, name, timeout=timeout)
        )
        try:
            connection.ehlo_or_helo_if_needed()
            if not config.secure:
                self._upgrade(connection)
            if config.user is not None and config.password is not None:
                _login(connection, config.user, config.password.get_secret_value())
        except BaseException:
            _close(connection)
            raise
        return connection

    def _upgrade(self, connection: smtplib.SMTP) -> None:
        config = self._config
        if config.starttls == "off":
            if config.user is not None:
                raise MailRefusedError("SMTP_STARTTLS=off would send the password unencrypted")
            return
        needed = config.starttls == "required" or config.port == 587 or config.user is not None
        if connection.has_extn("starttls"):
            connection.starttls(context=self._context)
            connection.ehlo()
        elif needed:
            raise MailRefusedError(
                f"{config.host}:{config.port} offers no STARTTLS;"
                " is the port right, or is it SMTP_SECURE=true?"
            )

    @contextmanager
    def _explained(self, what: str, *, connecting: bool = False) -> Iterator[None]:
        """Turn every error of the library into one of ours, without the password or the mail.

        Args:
            what: Begins the message.
            connecting: No mail is under way, so a failure is the server's alone.
        """
        where = f"{what} by {self._config.host}:{self._config.port}"
        lost = Sign.UNREACHED if connecting else Sign.UNCERTAIN
        # `from None`: a traceback would print the library's error with the server's words.
        try:
            yield
        except MailError:
            raise
        except smtplib.SMTPRecipientsRefused as error:
            raise _all_refused(where, _refusals(error.recipients)) from None
        except smtplib.SMTPResponseException as error:
            reason = describe(error.smtp_code, error.smtp_error)
            text = f"{where}: {reason}"
            if error.smtp_code >= 500:
                raise MailRefusedError(text) from None
            closing = Sign.AWAY if error.smtp_code == 421 else None  # with that, it takes no mail
            sign = Sign.UNREACHED if connecting else closing
            raise signed(MailUnavailableError(text), sign, reason) from None
        except smtplib.SMTPNotSupportedError as error:
            raise MailRefusedError(f"{where}: {error}") from None
        except smtplib.SMTPServerDisconnected:
            reason = "the server closed the connection"
            raise signed(MailUnavailableError(f"{where}: {reason}"), lost, reason) from None
        except (smtplib.SMTPException, OSError) as error:
            wrong = tls_reason(error)
            if wrong is not None:
                hint = "; is SMTP_SECURE right for this port?" if "no TLS" in wrong else ""
                raise MailRefusedError(f"{where}: {wrong}{hint}") from None
            detail = str(error) if isinstance(error, OSError) else ""
            reason = f"{type(error).__name__}: {detail or 'no answer in time'}"
            raise signed(MailUnavailableError(f"{where}: {reason}"), lost, reason) from None


def _login(connection: smtplib.SMTP, user: str, password: str) -> None:
    if user.isascii() and password.isascii():
        connection.login(user, password)
        return
    # smtplib sends ASCII alone; PLAIN is UTF-8 by RFC 4616.
    connection.ehlo_or_helo_if_needed()
    if "PLAIN" not in connection.esmtp_features.get("auth", "").upper().split():
        raise MailRefusedError(
            "SMTP_USER or SMTP_PASSWORD is not ASCII, and the server offers no AUTH PLAIN for it"
        )
    token = b64encode(f"\0{user}\0{password}".encode()).decode()
    code, reply = connection.docmd("AUTH", f"PLAIN {token}")
    if code not in {235, 503}:  # 503: logged in already
        raise smtplib.SMTPAuthenticationError(code, reply)


def _all_refused(where: str, refused: tuple[Refusal, ...]) -> MailError:
    reasons = "; ".join(map(str, refused[:3]))
    text = f"{where}: all {len(refused)} recipients refused: {reasons}"
    if all(each.permanent for each in refused):
        return MailRefusedError(text, refused)
    closing = any(each.code == 421 for each in refused)
    return signed(MailUnavailableError(text), Sign.AWAY if closing else None, "421")


def _refusals(refused: dict[str, tuple[int, bytes]]) -> tuple[Refusal, ...]:
    return tuple(Refusal(who, code, words(text)) for who, (code, text) in refused.items())


def _own_name() -> str:
    name = socket.gethostname()
    return name if name.isascii() and name else "localhost"


def _alive(connection: smtplib.SMTP) -> bool:
    try:
        return connection.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _close(connection: smtplib.SMTP) -> None:
    # No QUIT: a server that hangs would hold the worker's shutdown.
    connection.close()
