"""Calls of one script by many threads, each on a connection that is held for the next call.

redis-py's client takes a connection from its pool and returns it for every command, which costs
more than the call.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from .split_call import SplitCall

Arguments = Sequence[bytes | str]


class Calls:
    """Calls one script. A call that fails is repeated as often as the client repeats commands.

    Args:
        client: Its pool makes the connections; they return there when this object is gone.
        script: The script's source.
    """

    def __init__(self, client: Redis, script: str) -> None:
        self._client = client
        self._script = script
        self._free: deque[SplitCall] = deque()
        self._process = os.getpid()
        weakref.finalize(self, _close, self._free)

    def call(self, arguments: Arguments) -> Any:
        """Run the script.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached, or refuses.
        """
        (answer,) = self.call_each([arguments])
        return answer

    def call_each(self, calls: Iterable[Arguments]) -> Iterator[Any]:
        """Run the script for each; the next arguments are made while Redis works.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached, or refuses.
        """
        line = self._take()
        asked: Arguments | None = None
        sent = False
        try:
            for arguments in calls:
                if asked is not None:
                    yield self._answer(line, asked, sent=sent)
                asked, sent = arguments, self._send(line, arguments)
            if asked is not None:
                yield self._answer(line, asked, sent=sent)
                asked = None
        finally:
            if asked is not None:
                line.close()  # a late reply must not be taken for the next one
            self._free.append(line)

    def _take(self) -> SplitCall:
        if self._process != os.getpid():  # a child must not write on its parent's connections
            self._free, self._process = deque(), os.getpid()
            weakref.finalize(self, _close, self._free)
        try:
            return self._free.pop()
        except IndexError:
            return SplitCall(self._client, self._script)

    @staticmethod
    def _send(line: SplitCall, arguments: Arguments) -> bool:
        try:
            line.send(*arguments)
        except RedisError:
            line.close()
            return False
        return True

    def _answer(self, line: SplitCall, arguments: Arguments, *, sent: bool) -> Any:
        def attempt() -> Any:
            nonlocal sent
            if not sent:
                line.send(*arguments)
            sent = False
            return line.receive()

        retry = self._client.get_retry()
        if retry is None:
            return attempt()
        return retry.call_with_retry(attempt, lambda _: line.close())


def _close(lines: deque[SplitCall]) -> None:
    while lines:
        lines.pop().close()
