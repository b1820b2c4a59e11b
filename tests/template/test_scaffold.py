"""A repository grows: own processors, clients, settings and tables, made by the worker's commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from preloaded import run_preloaded
from rendering import render
from variants import Rendered, Variant

pytestmark = pytest.mark.timeout(600)


def worker(path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the worker's command line in its repository."""
    environment = os.environ | {"PYTHONPATH": str(path / "src")} | variables
    return run_preloaded(["-m", "worker_payment", *arguments], cwd=path, env=environment)


def test_scaffolds_are_linted_typed_and_tested(tmp_path: Path) -> None:
    """At once, as they were written; a table's migration comes beside them."""
    path = render(tmp_path, "payment")
    for arguments in (
        ("new", "processor", "refund"),
        ("new", "client", "toss"),
        ("new", "client", "kakao_pay"),
        ("db", "revision", "add refunds"),
    ):
        done = worker(path, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    composition = (path / "src/worker_payment/worker.py").read_text()
    assert "clients=[Toss, KakaoPay]" in composition
    rendered = Rendered(path, Variant("payment"))
    rendered.run("ruff", "check", "--no-cache", ".")
    rendered.run("ruff", "format", "--no-cache", "--diff", ".")
    rendered.run("mypy")
    rendered.run("pytest", "-q", "-p", "no:cacheprovider", "--ignore=tests/test_worker.py")


def test_a_processor_gets_its_settings_and_clients_by_type(tmp_path: Path) -> None:
    """Made once, handed in, closed at the end, named by `check`, their secret hidden."""
    path = render(tmp_path, "payment", preset="blank")
    assert worker(path, "new", "client", "toss").returncode == 0
    (path / "src/worker_payment/processors/pay.py").write_text(
        "from ..clients.toss import Toss\n"
        "from ..kit import Payload, processor\n"
        "from ..settings import Settings\n\n\n"
        "class PayPayload(Payload):\n    order_id: str\n\n\n"
        "@processor\n"
        "def pay(payload: PayPayload, settings: Settings, toss: Toss) -> list[object]:\n"
        "    return [settings.toss_timeout, toss.get('/200')]\n"
    )
    (path / "tests/test_pay.py").write_text(
        "from worker_payment.processors.pay import PayPayload, pay\n"
        "from worker_payment.composition_for_test import server\n\n\n"
        "def test_pay(worker, monkeypatch):\n"
        "    with server() as url:\n"
        "        monkeypatch.setenv('TOSS_URL', url)\n"
        "        assert worker.run(pay, PayPayload(order_id='A')) == [10000, {'ok': True}]\n"
    )
    (path / "src/worker_payment/composition_for_test.py").write_text(
        "import threading\n"
        "from contextlib import contextmanager\n"
        "from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer\n\n\n"
        "class Handler(BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "        self.wfile.write(b'{\"ok\": true}')\n\n"
        "    def log_message(self, *_):\n        pass\n\n\n"
        "@contextmanager\n"
        "def server():\n"
        "    made = ThreadingHTTPServer(('127.0.0.1', 0), Handler)\n"
        "    threading.Thread(target=made.serve_forever, daemon=True).start()\n"
        "    yield f'http://127.0.0.1:{made.server_port}'\n"
        "    made.shutdown()\n"
        "    made.server_close()\n"
    )
    rendered = Rendered(path, Variant("payment"))
    rendered.run("pytest", "-q", "-p", "no:cacheprovider", "tests/test_pay.py")
    checked = worker(path, "check", "--only", "toss", TOSS_URL="http://127.0.0.1:1")
    assert checked.returncode == 1
    assert checked.stdout.startswith("FAIL toss ")


def test_a_variable_that_env_example_lacks_fails_one_test_which_says_so(tmp_path: Path) -> None:
    """And nothing else."""
    path = render(tmp_path, "payment", preset="blank")
    settings = path / "src/worker_payment/settings.py"
    settings.write_text(settings.read_text() + "\n    gateway_region: str = 'kr'\n")
    rendered = Rendered(path, Variant("payment"))
    with pytest.raises(AssertionError) as failure:
        rendered.run("pytest", "-q", "-p", "no:cacheprovider", "--ignore=tests/test_worker.py")
    assert "add these variables to .env.example" in str(failure.value)
    assert "GATEWAY_REGION" in str(failure.value)
    assert "1 failed" in str(failure.value)


def test_a_missing_variable_of_the_owner_is_named_with_the_others(tmp_path: Path) -> None:
    """In the same message, without values."""
    path = render(tmp_path, "payment", preset="blank")
    settings = path / "src/worker_payment/settings.py"
    settings.write_text(settings.read_text() + "\n    gateway_key: str\n")
    done = worker(path, "check", WORKER_CONCURRENCY="many")
    assert done.returncode == 2
    assert "GATEWAY_KEY: is missing" in done.stderr
    assert "WORKER_CONCURRENCY" in done.stderr
    assert "many" not in done.stderr


def test_a_scaffold_never_overwrites(tmp_path: Path) -> None:
    """Nor takes a name that is none; nothing is changed."""
    path = render(tmp_path, "payment")
    for name, said in (("payment", "is there already"), ("Refund", "is not a module name")):
        refused = worker(path, "new", "processor", name)
        assert refused.returncode == 2
        assert said in refused.stderr
