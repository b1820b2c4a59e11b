"""Sending through Firebase Cloud Messaging: one, many, topics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from threading import BoundedSemaphore
from typing import Any, Literal

import structlog

from ...breaker import Breaker, asks_for, breakers
from ...engine import JobContext, JobError, provide
from ...signs import Sign
from ..text import host
from . import fcm
from .account import read_account
from .errors import Failure, FcmAwayError, InvalidPushError, understand
from .library import BATCH, Library
from .push import Push, build
from .settings import FcmSettings

log = structlog.get_logger(__name__)

_TOPIC_BATCH = 1000  # tokens that a topic call takes
_AT_ONCE = 2  # batches of this process that run at the same time: each has up to 500 threads


@dataclass(frozen=True, slots=True)
class TokenResult:
    """The outcome of one token's message.

    Args:
        token: The device.
        message_id: FCM's id; None when it failed.
        failure: Why it failed; None when it was accepted.
    """

    token: str = field(repr=False)
    message_id: str | None
    failure: Failure | None

    @property
    def accepted(self) -> bool:
        """Return whether FCM accepted the message. It does not say whether a device shows it."""
        return self.failure is None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The outcome of many messages."""

    results: list[TokenResult]

    @property
    def accepted(self) -> int:
        """Return how many messages FCM accepted."""
        return sum(each.accepted for each in self.results)

    @property
    def invalid_tokens(self) -> list[str]:
        """Return the tokens that are dead: remove them from your database."""
        return [each.token for each in self.results if each.failure and each.failure.invalid_token]

    @property
    def retryable_tokens(self) -> list[str]:
        """Return the tokens for which another attempt may help: publish a job for these alone."""
        return [each.token for each in self.results if each.failure and each.failure.temporary]


class Fcm:
    """Sends pushes. One for the whole process; safe to use from many threads.

    Args:
        settings: The key's folder, the time-out, dry run.

    Raises:
        SettingsError: `fcm_auth.json` cannot be used.
    """

    def __init__(self, settings: FcmSettings) -> None:
        self._dry_run = settings.fcm_dry_run
        self._library = Library(read_account(settings), settings)
        self._breaker = breakers.add(
            Breaker(
                f"FCM {host(settings.fcm_base_url)}", settings.fcm_breaker, needed=asks_for(Fcm)
            )
        )
        self._batches = BoundedSemaphore(_AT_ONCE)

    def send(
        self,
        push: Push,
        *,
        token: str | None = None,
        fid: str | None = None,
        topic: str | None = None,
        condition: str | None = None,
        dry_run: bool | None = None,
    ) -> str:
        """Send to one device, to a topic or to a condition on topics.

        Args:
            push: The message.
            token: The device's registration token.
            fid: The app's installation id, which Firebase wants to replace tokens.
            topic: Name of a topic, without /topics/.
            condition: For instance `'news' in topics && 'seoul' in topics`.
            dry_run: Have it checked only; by default FCM_DRY_RUN.

        Returns:
            FCM's id of the message.

        Raises:
            InvalidPushError: A rule is broken; nothing was sent.
            InvalidTokenError: The device is gone: remove the token.
            FcmRefusedError: Trying again cannot help.
            FcmUnavailableError: Trying again may help.
        """
        targets = {"token": token, "fid": fid, "topic": topic, "condition": condition}
        if sum(each is not None for each in targets.values()) != 1:
            raise InvalidPushError("name one of token, fid, topic and condition")
        message = build(push, **targets)
        with self._watched():
            self._library.authorize()
            return str(self._library.messaging.send(message, self._dry(dry_run), self._library.app))

    def send_many(
        self,
        push: Push,
        tokens: Iterable[str],
        *,
        by: Literal["token", "fid"] = "token",
        dry_run: bool | None = None,
    ) -> BatchResult:
        """Send the same message to many devices; see `send_each`."""
        messages = [(token, push) for token in dict.fromkeys(tokens)]
        return self.send_each(messages, by=by, dry_run=dry_run)

    def send_each(
        self,
        messages: Sequence[tuple[str, Push]],
        *,
        by: Literal["token", "fid"] = "token",
        dry_run: bool | None = None,
    ) -> BatchResult:
        """Send to many devices, each its own message, 500 at a time.

        Args:
            messages: Tokens with their messages.
            by: What the tokens are: registration tokens or installation ids.
            dry_run: Have them checked only; by default FCM_DRY_RUN.

        Returns:
            A result for each, in their order; none for no messages.

        Raises:
            InvalidPushError: A message breaks a rule; nothing was sent.
            FcmRefusedError: FCM refuses the sender; nothing was sent.
            FcmUnavailableError: Not one message was taken, and trying again may help.
        """
        built = [build(push, **{by: token}) for token, push in messages]
        tokens = [token for token, _ in messages]
        results: list[TokenResult] = []
        for start in range(0, len(built), BATCH):
            part = slice(start, start + BATCH)
            results += self._batch(tokens[part], built[part], self._dry(dry_run), bool(results))
        found = BatchResult(results)
        log.info("fcm.sent", accepted=found.accepted, of=len(results))
        failure = _of_all(results)
        if failure is not None:
            raise failure.as_error()
        return found

    def subscribe(self, tokens: Iterable[str], topic: str) -> dict[str, str]:
        """Subscribe devices to a topic.

        Returns:
            The tokens that failed, each with FCM's reason.
        """
        return self._topic(self._library.messaging.subscribe_to_topic, tokens, topic)

    def unsubscribe(self, tokens: Iterable[str], topic: str) -> dict[str, str]:
        """Unsubscribe devices from a topic; see `subscribe`."""
        return self._topic(self._library.messaging.unsubscribe_from_topic, tokens, topic)

    def close(self) -> None:
        """Close the connections."""
        self._breaker.close()
        self._library.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Watch a call, and turn the library's errors into ours."""
        with self._breaker.call(partial(FcmAwayError, code="UNAVAILABLE")):
            try:
                yield
            except JobError:
                raise
            except Exception as error:
                raise understand(error).as_error() from None

    def _dry(self, dry_run: bool | None) -> bool:
        return self._dry_run if dry_run is None else dry_run

    def _batch(
        self, tokens: list[str], messages: list[Any], dry_run: bool, later: bool
    ) -> list[TokenResult]:
        """Send one batch.

        Args:
            tokens: Whom to.
            messages: What, each.
            dry_run: Have it checked only.
            later: Earlier batches went out: their results must not be lost.
        """

        def send() -> list[TokenResult]:
            self._library.authorize()
            answer = self._library.messaging.send_each(messages, dry_run, self._library.app)
            pairs = zip(tokens, answer.responses, strict=True)
            return [_result(token, response) for token, response in pairs]

        with self._batches:
            if later:
                try:
                    return send()
                except Exception as error:
                    failure = understand(error)
                    return [TokenResult(token, None, failure) for token in tokens]
            with self._watched():
                results = send()
                away = _of_all(results)
                if away is not None and away.sign is not None:
                    raise away.as_error()
                return results

    def _topic(self, call: Any, tokens: Iterable[str], topic: str) -> dict[str, str]:
        unique = list(dict.fromkeys(tokens))
        failed: dict[str, str] = {}
        for start in range(0, len(unique), _TOPIC_BATCH):
            part = unique[start : start + _TOPIC_BATCH]
            with self._batches, self._watched():
                self._library.authorize()
                try:
                    answer = call(part, topic, self._library.app)
                except ValueError as error:
                    raise InvalidPushError(str(error)) from None
            failed |= {part[each.index]: str(each.reason) for each in answer.errors}
        return failed


def _of_all(results: Sequence[TokenResult]) -> Failure | None:
    """Return one failure for all, when not one was taken and each may be tried again."""
    failures = [each.failure for each in results if each.failure and each.failure.temporary]
    if not results or len(failures) < len(results):
        return None
    signs = {each.sign for each in failures}
    order = (None, Sign.UNCERTAIN, Sign.AWAY, Sign.UNREACHED)  # what says least is all that is sure
    wait = max(each.retry_after or 0 for each in failures) or None
    return replace(failures[-1], retry_after=wait, sign=min(signs, key=order.index))


def _result(token: str, response: Any) -> TokenResult:
    if response.success:
        return TokenResult(token, response.message_id, None)
    return TokenResult(token, None, understand(response.exception))


def _provided(_: JobContext) -> AbstractContextManager[Fcm]:
    return nullcontext(fcm())


provide(Fcm, _provided)
