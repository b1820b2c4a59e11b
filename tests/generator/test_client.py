"""Clients are made from a worker's contract alone; what cannot be said in a client is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command import invoke
from rendering import PROJECT

JOB = {
    "function": "worker_payment.processors.payment.approve",
    "version": 1,
    "attempts": 3,
    "timeout": 30,
    "resultTtl": 500,
    "jobId": "approve-{orderId}",
    "payload": {
        "title": "ApprovePayload",
        "type": "object",
        "properties": {"orderId": {"type": "string"}},
        "required": ["orderId"],
    },
}


def contract(folder: Path, **jobs: dict[str, Any]) -> Path:
    """Write a payloads.json with these jobs of the module `payment`."""
    document = {"contract": 2, "worker": "payment", "queue": "payment", "keyPrefix": "rq:"}
    named = {f"payment.{name}": JOB | job for name, job in (jobs or {"approve": {}}).items()}
    file = folder / "payloads.json"
    file.write_text(json.dumps(document | {"jobs": named}))
    return file


@pytest.mark.parametrize(
    ("language", "file"),
    [("typescript", "payment-client.ts"), ("python", "payment_client.py")],
)
def test_a_client_is_written_and_compared(tmp_path: Path, language: str, file: str) -> None:
    """Into a folder or a file; `--check` fails when the file is missing or out of date."""
    payloads = str(contract(tmp_path))
    command = ("client", payloads, language, "--out", str(tmp_path / "app"))
    missing = invoke(*command, "--check")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert f"{file} is missing" in missing.stderr
    assert invoke(*command).stdout.startswith("Wrote ")
    made = tmp_path / "app" / file
    named = tmp_path / f"other{made.suffix}"
    assert invoke(*command[:-1], str(named), "--check").exit_code == 1
    assert invoke(*command[:-1], str(named)).exit_code == 0
    assert named.read_text() == made.read_text()
    assert invoke(*command, "--check").stdout.startswith("Up to date: ")
    assert invoke(*command).stdout.startswith("Up to date: ")
    contract(tmp_path, approve={"version": 2})
    stale = invoke(*command, "--check")
    assert (stale.exit_code, stale.stdout) == (1, "")
    assert "out of date: write it anew" in stale.stderr


def test_making_a_client_leaves_nothing_beside_the_template(tmp_path: Path) -> None:
    """Compiled files there would be changes of a checkout, and would be rendered."""
    root = tmp_path / "root"
    for name in ("copier.yml", "template", "partials"):
        source = PROJECT / name
        copy = (
            shutil.copy
            if source.is_file()
            else partial(shutil.copytree, ignore=shutil.ignore_patterns("__pycache__"))
        )
        root.mkdir(exist_ok=True)
        copy(source, root / name)
    code = "from pathlib import Path; from gen_worker.__main__ import main; main(Path('root'))"
    arguments = ("client", str(contract(tmp_path)), "python", "--out", "client.py")
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, check=True)
    assert (tmp_path / "client.py").exists()
    assert list(root.rglob("__pycache__")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "no `contract` number"),
        ('{"payment.approve": {}}', "no `contract` number"),
        ('{"contract": 3, "jobs": {}}', "has form 3"),
        ('{"contract": 2, "jobs": {}}', "not complete"),
        (
            '{"contract": 2, "worker": "a", "queue": "a", "keyPrefix": "rq:", "jobs": {}}',
            "names no job",
        ),
    ],
)
def test_what_is_no_contract_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """One sentence that names the file."""
    file = tmp_path / "payloads.json"
    file.write_text(text)
    found = invoke("client", str(file), "python", "--out", str(tmp_path))
    assert found.exit_code == 1
    assert said in found.stderr
    assert "payloads.json" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_mistakes_on_the_command_line_are_refused(tmp_path: Path) -> None:
    """A missing file, another language, pydantic in TypeScript, a folder that is a file."""
    payloads = str(contract(tmp_path))
    out = ("--out", str(tmp_path / "x"))
    assert "cannot be read" in invoke("client", str(tmp_path / "none"), "python", *out).stderr
    assert "typescript or python" in invoke("client", payloads, "java", *out).stderr
    assert "for Python" in invoke("client", payloads, "typescript", "--pydantic", *out).stderr
    inside = ("--out", f"{payloads}/x.py")
    assert "is no folder" in invoke("client", payloads, "python", *inside).stderr


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": r"(?i)abc"}, "the pattern '(?i)abc'"),
        ({"type": "string", "pattern": r"a\Z"}, "(at character 2)"),
        ({"type": "string", "pattern": "[[:alpha:]]"}, "the pattern"),
        ({"type": "string", "pattern": "a++"}, "the pattern"),
        ({"type": "array", "contains": {}}, "`contains`"),
        ({"type": "object", "patternProperties": {}}, "`patternProperties`"),
        ({"type": "array", "prefixItems": [{}], "items": {}}, "a tuple of changing length"),
        ({"type": "wheel"}, "'wheel'"),
        ({"enum": [1.5]}, "only texts and whole numbers"),
        ({"$ref": "#/$defs/None"}, "leads nowhere"),
        ({"type": "integer", "not": {}}, "`not`"),
    ],
)
def test_what_no_client_can_check_is_refused(
    tmp_path: Path, schema: dict[str, Any], said: str
) -> None:
    """The sentence names job and field, when the client is made and not when a job is sent."""
    payload = {"title": "P", "type": "object", "properties": {"odd": schema}}
    payloads = contract(tmp_path, approve={"payload": payload, "jobId": None})
    for language in ("typescript", "python"):
        found = invoke("client", str(payloads), language, "--out", str(tmp_path))
        assert found.exit_code == 1
        assert "payment.approve: odd: " in found.stderr
        assert said in found.stderr


def test_names_of_any_script_and_reserved_words(tmp_path: Path) -> None:
    """Every job and every type gets a name that its language takes, and two never share one."""
    payload = {
        "title": "Receipt",
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("class", "주문", "a-b", "a_b", "1")},
    }
    jobs: dict[str, dict[str, Any]] = {
        name: {"payload": payload, "jobId": None} for name in ("constructor", "then", "job", "승인")
    }
    payloads = str(contract(tmp_path, **jobs, other={}))
    assert invoke("client", payloads, "typescript", "--out", str(tmp_path)).exit_code == 0
    assert invoke("client", payloads, "python", "--out", str(tmp_path)).exit_code == 0
    typescript = (tmp_path / "payment-client.ts").read_text()
    assert "export interface Receipt_ {" in typescript
    assert '  "a-b"?: string | undefined;' in typescript
    for name in ("constructor_", "then_", "job_", "승인", "other"):
        assert f"  readonly {name}: Job<" in typescript
    python = (tmp_path / "payment_client.py").read_text()
    compile(python, "client", "exec")
    for name in ("class_", "주문", "a_b", "a_b_", "_1"):
        assert f"    {name}: str | None = None" in python
    assert "self.승인 = Job[Receipt_](" in python
