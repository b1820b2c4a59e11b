"""`new processor` and `new client`: files of the owner's to start from, with their tests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from .answers import PACKAGE
from .config import SettingsError
from .texts import say

new = typer.Typer(no_args_is_help=True, help="Write files to start from, with their tests.")

_Name = Annotated[str, typer.Argument(help="Lower-case letters, digits and _, as in Python.")]


class ScaffoldError(SettingsError):
    """The files cannot be written. The message says why; nothing was changed."""


@new.command()
def processor(name: _Name) -> None:
    """Write src/.../processors/NAME.py and its test, and note the job in payloads.json."""
    root = _repository()
    words = _words(name)
    _write(
        root,
        words,
        {
            f"src/{PACKAGE}/processors/{name}.py": _PROCESSOR,
            f"tests/processors/test_{name}.py": _PROCESSOR_TEST,
        },
    )
    # In a process of its own: this one has loaded the processors there were before.
    command = [sys.executable, "-m", PACKAGE, "schema", "--write", "payloads.json"]
    if subprocess.run(command, cwd=root, check=False).returncode:  # noqa: S603 - our own program
        raise ScaffoldError("payloads.json was not brought up to date; see above")
    typer.echo(say("wrote {path}", path="payloads.json"))
    typer.echo(say("Next: do the work in processors/{name}.py, then `make test`.", name=name))


@new.command()
def client(name: _Name) -> None:
    """Write src/.../clients/NAME.py and its test; add its variables and name it in worker.py."""
    root = _repository()
    words = _words(name)
    source = root / "src" / PACKAGE
    changed = {
        source / "worker.py": lambda text: _compose(text, name, words["Name"]),
        source / "settings.py": lambda text: _add_settings(text, words),
        root / ".env.example": lambda text: _append(text, _EXAMPLE, words),
        root / "pyproject.toml": _require_httpx,
    }
    texts = {path: change(path.read_text(encoding="utf-8")) for path, change in changed.items()}
    package = source / "clients" / "__init__.py"
    if not package.exists():
        texts[package] = '"""Clients of your own, one file each."""\n'
    _write(
        root,
        words,
        {
            f"src/{PACKAGE}/clients/{name}.py": _CLIENT,
            f"tests/clients/test_{name}.py": _CLIENT_TEST,
        },
    )
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
        typer.echo(say("wrote {path}", path=path.relative_to(root)))
    program = PACKAGE.replace("_", "-")
    command = f"{program} check --only {name}"
    variable = f"{words['NAME']}_URL"
    typer.echo(
        say("Next: set {variable} in .env, then `{command}`.", variable=variable, command=command)
    )


def _repository() -> Path:
    root = Path.cwd()
    if not (root / "src" / PACKAGE / "worker.py").is_file():
        raise ScaffoldError(f"run this in the repository: there is no src/{PACKAGE}/worker.py here")
    return root


def _words(name: str) -> dict[str, str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name) or iskeyword(name):
        raise ScaffoldError(f"{name!r} is not a module name: use lower-case letters, digits and _")
    title = "".join(part.capitalize() for part in name.split("_"))
    return {"name": name, "Name": title, "NAME": name.upper(), "package": PACKAGE}


def _write(root: Path, words: Mapping[str, str], files: Mapping[str, str]) -> None:
    for path in files:
        if (root / path).exists():
            raise ScaffoldError(f"{path} is there already; nothing was changed")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(Template(text).substitute(words), encoding="utf-8")
        typer.echo(say("wrote {path}", path=path))


def _compose(text: str, name: str, title: str) -> str:
    """Name a client in `worker.py`: an import, and an entry of `clients=[...]`."""
    before, found, after = text.partition("    clients=[")
    anchor = "from .kit import Worker\n"
    if not found or anchor not in before:
        raise ScaffoldError("worker.py has no `clients=[`: add it to Worker(...), then try again")
    imports = re.findall(r"^from \.clients\..*\n", before, re.MULTILINE)
    for line in imports:
        before = before.replace(line, "")
    imports = sorted([*imports, f"from .clients.{name} import {title}\n"])
    before = before.replace(anchor, "".join(imports) + anchor, 1)
    inside, end, rest = after.partition("]")
    entries = [entry.strip() for entry in inside.split(",") if entry.strip()]
    return f"{before}{found}{', '.join([*entries, title])}{end}{rest}"


def _add_settings(text: str, words: Mapping[str, str]) -> str:
    """Add a client's variables to the last class of `settings.py`, and what they import."""
    needed = {"Field", "SecretStr"}
    found = re.search(r"^from pydantic import (.+)$", text, re.MULTILINE)
    if found:
        names = sorted(needed | {each.strip() for each in found[1].split(",")})
        text = text.replace(found[0], f"from pydantic import {', '.join(names)}", 1)
    else:
        text = text.replace(
            "from .kit import",
            f"from pydantic import {', '.join(sorted(needed))}\n\nfrom .kit import",
            1,
        )
    return _append(text, _SETTINGS, words)


def _append(text: str, addition: str, words: Mapping[str, str]) -> str:
    before = text.rstrip("\n")
    return f"{before}\n{Template(addition).substitute(words)}"


def _require_httpx(text: str) -> str:
    if re.search(r"^\s*\"httpx\b", text, re.MULTILINE):
        return text
    return text.replace("dependencies = [\n", 'dependencies = [\n    "httpx>=0.28,<1",\n', 1)


_PROCESSOR = '''\
"""$Name: say here what the job does."""

from __future__ import annotations

from pydantic import Field

from ..kit import Backoff, Payload, PermanentError, get_logger, processor

log = get_logger(__name__)


class ${Name}Payload(Payload):
    """`{"targetId": "A-1"}`"""

    target_id: str = Field(min_length=1, max_length=64)


@processor(
    attempts=3,
    backoff=Backoff(first=3.0),
    timeout=30,
    job_id=lambda payload: f"$name-{payload.target_id}",
    target=lambda payload: payload.target_id,
)
def $name(payload: ${Name}Payload) -> dict[str, str]:
    """Do the work for one target."""
    if payload.target_id == "unknown":
        raise PermanentError("there is no such target")  # no retry: it will not change
    # Do the work here. Anything else that is raised is retried by the policy above.
    log.info("$name.done")
    return {"targetId": payload.target_id}
'''

_PROCESSOR_TEST = '''\
"""$Name: what becomes of one job."""

from __future__ import annotations

import pytest

from $package.kit import PayloadError, PermanentError
from $package.processors.$name import ${Name}Payload, $name


def test_does_the_work(worker):
    assert worker.run($name, ${Name}Payload(target_id="A-1")) == {"targetId": "A-1"}


def test_an_unknown_target_fails_for_good(worker):
    with pytest.raises(PermanentError):
        worker.run($name, ${Name}Payload(target_id="unknown"))


def test_a_wrong_payload_is_refused_by_the_name_of_its_field(worker):
    with pytest.raises(PayloadError, match="targetId"):
        worker.run($name, {"targetId": ""})


def test_one_target_waits_only_once_and_runs(worker):
    """From the queue to the result, through a real server."""
    assert $name.enqueue(${Name}Payload(target_id="A-1")).queued
    assert not $name.enqueue(${Name}Payload(target_id="A-1")).queued
    (ended,) = worker.drain()
    assert (ended.job_id, ended.result) == ("$name-A-1", {"targetId": "A-1"})
'''

_CLIENT = '''\
"""The client of $Name. A processor gets it by a parameter `$name: $Name`."""

from __future__ import annotations

import httpx

from ..kit import PermanentError, TemporaryError
from ..settings import Settings


class $Name:
    """Calls $Name's API. One client serves all threads and keeps its connections.

    Args:
        settings: Where it is, and the key.
    """

    def __init__(self, settings: Settings) -> None:
        key = settings.${name}_key
        self._http = httpx.Client(
            base_url=settings.${name}_url,
            timeout=settings.${name}_timeout / 1000,
            headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
        )

    def get(self, path: str) -> dict[str, object]:
        """Get a JSON object.

        Raises:
            PermanentError: It refuses: asking again would not change it.
            TemporaryError: It cannot answer now.
        """
        try:
            answer = self._http.get(path)
        except httpx.TransportError as error:
            raise TemporaryError(f"$name gave no answer ({type(error).__name__})") from None
        if answer.is_error:
            later = answer.status_code >= 500 or answer.status_code == 429
            kind = TemporaryError if later else PermanentError
            raise kind(f"$name answered HTTP {answer.status_code}")
        found: dict[str, object] = answer.json()
        return found

    def check(self) -> str:
        """Reach it once, for `check`."""
        self.get("/")
        return f"{self._http.base_url} answers"

    def close(self) -> None:
        """Close the connections; the worker calls it when it stops."""
        self._http.close()
'''

_CLIENT_TEST = '''\
"""The client of $Name, against a server of the test's own."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from $package.clients.$name import $Name
from $package.kit import PermanentError, TemporaryError
from $package.settings import Settings


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path asks for."""

    def do_GET(self):
        self.send_response(int(self.path.strip("/") or 200))
        self.end_headers()
        self.wfile.write(b'{"ok": true}')

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def $name(variables):
    """A client of a server that is gone when the test ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = $Name(Settings(${name}_url=f"http://127.0.0.1:{server.server_port}"))
    yield client
    client.close()
    server.shutdown()
    server.server_close()


def test_an_answer_is_read($name):
    assert $name.get("/200") == {"ok": True}
    assert "answers" in $name.check()


@pytest.mark.parametrize(("status", "error"), [(404, PermanentError), (503, TemporaryError)])
def test_an_error_says_whether_trying_again_can_help($name, status, error):
    with pytest.raises(error, match=str(status)):
        $name.get(f"/{status}")
'''

_SETTINGS = """
    ${name}_url: str = Field("https://api.example.com", pattern=r"^https?://")
    ${name}_key: SecretStr | None = None
    ${name}_timeout: int = Field(10_000, gt=0)  # milliseconds
"""

_EXAMPLE = """
# --- $Name ---
${NAME}_URL=https://api.example.com
# ${NAME}_KEY=
# Milliseconds.
# ${NAME}_TIMEOUT=10000
"""
