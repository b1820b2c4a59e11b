"""A server far away: `python distance.py PORT MS` repeats it on a free port, which it prints.

Whatever either side sends arrives half of MS milliseconds later, in order and without a limit of
its rate, as over a long cable: a round trip takes MS longer.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

_CHUNK = 1 << 18


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, wait: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await source.read(_CHUNK):
        loop.call_later(wait, target.write, data)
    loop.call_later(wait, target.close)


def _line(
    port: int, wait: float
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def connect(near: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        far, server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _carry(near, server, wait), _carry(far, client, wait), return_exceptions=True
        )

    return connect


async def _main(port: int, milliseconds: float) -> None:
    server = await asyncio.start_server(_line(port, milliseconds / 2000), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), float(sys.argv[2])))
