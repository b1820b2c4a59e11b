"""A line to a database that counts the round trips over it; benchmarks use it, too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_CHUNK = 1 << 16


@dataclass
class Line:
    """A line that is open.

    Args:
        target: Port of the server.
        port: Port of the line.
        trips: How often clients asked. A trip is all that one sends until the server answers,
            however many statements that is.
    """

    target: int
    port: int = 0
    trips: int = 0

    async def connect(self, near: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Repeat the server to one client."""
        far, server = await asyncio.open_connection("127.0.0.1", self.target)
        asked = False

        async def ask() -> None:
            nonlocal asked
            while data := await near.read(_CHUNK):
                self.trips += not asked
                asked = True
                server.write(data)
            server.write_eof()

        async def answer() -> None:
            nonlocal asked
            while data := await far.read(_CHUNK):
                asked = False
                client.write(data)

        try:
            await asyncio.gather(ask(), answer(), return_exceptions=True)
        finally:  # also when the line ends first
            for side in (client, server):
                side.close()


@contextmanager
def counting_line(target: int) -> Iterator[Line]:
    """Repeat a server of 127.0.0.1 on a free port, in a thread."""
    line, listening, stopped = Line(target), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with await asyncio.start_server(line.connect, "127.0.0.1", 0) as server:
            line.port = server.sockets[0].getsockname()[1]
            loops.append(asyncio.get_running_loop())
            listening.set()
            await stopped.wait()

    # `asyncio.run` cancels what is still connected when it ends.
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    listening.wait()
    try:
        yield line
    finally:
        loops[0].call_soon_threadsafe(stopped.set)
        thread.join()
