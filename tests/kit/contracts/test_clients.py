"""The clients in TypeScript and Python put the same bytes into Redis as the worker's own publisher."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import client_jobs
import pytest
import redis.asyncio
from client_jobs import EverythingPayload, OrderPayload
from node import compile_project, make_project, run_node
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_trace_id
from preloaded_tools import run_module
from redis import Redis
from rendering import PROJECT

from support import ROOT, RedisServer
from worker_payment.kit.contracts.clients import python, typescript
from worker_payment.kit.contracts.clients.contract import read
from worker_payment.kit.contracts.clients.files import refresh
from worker_payment.kit.contracts.clients.layout import script
from worker_payment.kit.contracts.snapshot import describe
from worker_payment.kit.engine import Publisher, processors
from worker_payment.kit.engine.job.payload import dump_payload
from worker_payment.kit.engine.store.scripts import load
from worker_payment.worker import worker as composition

HERE = Path(__file__).parent
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KEY = "8D8AC610-566D-4EF0-9C22-186B2A5ED793"
ODD = "주문 A/1 🎉"
FULL = {
    "orderId": ODD,
    "amount": {"$bigint": "999999999999999999"},
    "small": -99,
    "ratio": 1e-7,
    "exact": "12.50",
    "urgent": True,
    "color": "하늘",
    "state": None,
    "day": "2024-02-29",
    "at": "2026-01-31T09:00:00.12+09:00",
    "key": KEY,
    "note": None,
    "lines": [{"sku": "가-1", "price": 12.34, "parts": [{"sku": "b"}]}, {"sku": "c", "price": 3}],
    "byColor": {"red": 1, "하늘": 2},
    "labels": {"한글": '"\\\n\t\u2028\x7f\x01', "": "🎉"},
    "method": {"kind": "bank"},
    "first": {"sku": "z"},
    "mixed": [1, 2],
    "pair": [2, "y"],
    "tags": ["a"],
    "anything": {"deep": [1, 1.5, None, True, "x", {}]},
    "class": "c",
    "HTMLBody": "</script>",
}
LEAST = {
    "orderId": "A-1",
    "day": "2026-01-31",
    "at": "2026-01-31T00:00:00+00:00",
    "key": KEY,
    "lines": [{"sku": "a"}],
    "method": {"kind": "card", "digits": "1234"},
}
EVERYTHING, ORDER, BACKWARDS = (
    f"client_jobs.{name}" for name in ("everything", "order", "backwards")
)
FLOATS = (0, -0.0, 1e16, 123456789012345680, 1e15, 0.0001, 1e-5, 5e-324, 1e22, 0.1, 2.5)
GOOD = [
    (EVERYTHING, FULL, {"jobId": "full"}),
    (EVERYTHING, LEAST, {"jobId": "least", "delayMs": 60_500}),
    (EVERYTHING, LEAST | {"unknown": 1, "at": {"$date": "2026-01-31T00:00:00.5Z"}}, {"jobId": "x"}),
    *((EVERYTHING, LEAST | {"ratio": x}, {"jobId": f"f{n}"}) for n, x in enumerate(FLOATS)),
    (ORDER, {"orderId": "A-1"}, {}),
    (ORDER, {"orderId": "A-1"}, {}),  # its id is taken
    (ORDER, {"orderId": ODD, "paid": False, "day": "2026-01-31", "payloadVersion": 2}, {}),
    (ORDER, {"orderId": "🎉" * 300}, {"delayMs": 1}),
    (BACKWARDS, {"orderId": "A-1"}, {"jobId": "1-A", "atFront": True}),
    (BACKWARDS, {"orderId": "A-2"}, {"jobId": "2-A", "after": ["1-A", "full", "1-A"]}),
    (BACKWARDS, {"orderId": "A-3"}, {"jobId": "3-A", "queue": "urgent"}),
]
BAD = [
    (EVERYTHING, LEAST | {"orderId": ""}, "orderId"),
    (EVERYTHING, LEAST | {"orderId": "x" * 65}, "orderId"),
    (EVERYTHING, LEAST | {"orderId": 5}, "orderId"),
    (EVERYTHING, LEAST | {"orderId": None}, "orderId"),
    (EVERYTHING, {"amount": 1}, "orderId"),
    (EVERYTHING, LEAST | {"amount": -1}, "amount"),
    (EVERYTHING, LEAST | {"amount": {"$bigint": "1000000000000000001"}}, "amount"),
    (EVERYTHING, LEAST | {"amount": 1.5}, "amount"),
    (EVERYTHING, LEAST | {"small": 100}, "small"),
    (EVERYTHING, LEAST | {"urgent": 1}, "urgent"),
    (EVERYTHING, LEAST | {"color": "blue"}, "color"),
    (EVERYTHING, LEAST | {"state": "old"}, "state"),
    (EVERYTHING, LEAST | {"day": "2026-02-29"}, "day"),
    (EVERYTHING, LEAST | {"at": "2026-01-31"}, "at"),
    (EVERYTHING, LEAST | {"key": "1"}, "key"),
    (EVERYTHING, LEAST | {"lines": []}, "lines"),
    (EVERYTHING, LEAST | {"lines": [{"sku": "a b"}]}, "lines[0].sku"),
    (EVERYTHING, LEAST | {"lines": [{"sku": "a"}, {"sku": "b", "price": 0.005}]}, "lines[1].price"),
    (EVERYTHING, LEAST | {"lines": [{"sku": "a", "parts": [{}]}]}, "lines[0].parts[0].sku"),
    (EVERYTHING, LEAST | {"byColor": {"blue": 1}}, "byColor.blue"),
    (EVERYTHING, LEAST | {"labels": {"a": 1}}, "labels.a"),
    (EVERYTHING, LEAST | {"method": {"kind": "cash"}}, "method.kind"),
    (EVERYTHING, LEAST | {"method": {"kind": "card", "digits": "12345"}}, "method.digits"),
    (EVERYTHING, LEAST | {"mixed": 1.5}, "mixed"),
    (EVERYTHING, LEAST | {"pair": [1]}, "pair"),
    (EVERYTHING, LEAST | {"tags": ["a", "a"]}, "tags"),
    (ORDER, {"orderId": "A-1", "payloadVersion": 3}, "payloadVersion"),
    (ORDER, [], ""),
]
# Options that have no meaning; in Python their names are written otherwise.
ODD_OPTIONS = [
    ({"jobId": "a b"}, "jobId"),
    ({"after": ["a b"], "jobId": "x"}, "after"),
    ({"after": ["full"], "delayMs": 5, "jobId": "x"}, "after"),
    ({"delayMs": -1, "jobId": "x"}, "delayMs"),
    ({"queue": "elsewhere", "jobId": "x"}, "queue"),
]


CARRIERS = {}  # what the clients find the trace by


def clients(folder: Path) -> tuple[object, object]:
    """Write every client of the jobs into a folder; return the modules of the two in Python."""
    jobs = [client_jobs.everything, client_jobs.order, client_jobs.backwards]
    document = json.loads(
        json.dumps(describe(jobs, ["urgent", "payment"]) | {"worker": "client-jobs"})
    )
    found = []
    for name, pydantic in (("client_plain", False), ("client_pydantic", True)):
        (folder / f"{name}.py").write_text(python.write(read(document), pydantic=pydantic))
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        CARRIERS[name] = module._carrier
        found.append(module)
    (folder / "client.ts").write_text(typescript.write(read(document)))
    return tuple(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def modules(folder):
    return clients(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def golden(server, folder, modules):
    """What Redis holds after each publisher, and what the clients answered."""
    cases = [{"job": job, "payload": payload, "options": options} for job, payload, options in GOOD]
    many = {"job": ORDER, "many": True, "payload": [{"orderId": f"M-{n}"} for n in range(1100)]}
    bad = [{"job": job, "payload": payload, "options": {"jobId": "bad"}} for job, payload, _ in BAD]
    odd = [{"job": ORDER, "payload": {"orderId": "O"}, "options": each} for each, _ in ODD_OPTIONS]
    cases = [*cases, many | {"options": {"atFront": True}}, *bad, *odd]
    (folder / "cases.json").write_text(json.dumps(cases))
    for name in ("client_driver.ts", "client_types.ts"):
        shutil.copy(HERE / name, folder)
    composition.load_processors()
    refresh(describe(processors()), "typescript", folder)
    shown = re.search(r"```ts\n(.*?)```", (ROOT / "docs/publish.md").read_text(), re.DOTALL)
    (folder / "document.ts").write_text(f"{shown[1]}console.log(jobId, queued);\n")
    make_project(folder)
    said = compile_project(folder)
    assert said == ""
    urls = {name: f"redis://127.0.0.1:{server.port}/{n}" for n, name in enumerate(PUBLISHERS)}
    answers = publish_by_node(folder, urls)
    publish_by_worker(urls["worker"])
    for name, module in zip(("plain", "pydantic"), modules, strict=True):
        answers[name] = publish_by_python(module, urls[name], cases)
    answers["async"] = asyncio.run(publish_by_asyncio(modules[0], urls["async"], cases))
    return {name: contents(url) for name, url in urls.items()}, answers


PUBLISHERS = ("worker", "ioredis", "node-redis", "plain", "pydantic", "async")


def revive(value):
    """Python's counterpart of what the driver does with what JSON cannot say."""
    if isinstance(value, dict):
        if "$bigint" in value:
            return int(value["$bigint"])
        if "$date" in value:
            return datetime.fromisoformat(value["$date"].replace(".5Z", ".500+00:00"))
        return {name: revive(each) for name, each in value.items()}
    return [revive(each) for each in value] if isinstance(value, list) else value


def publish_by_worker(url: str) -> None:
    with Redis.from_url(url) as connection:
        publisher = Publisher(connection, "payment")
        for job, payload, options in GOOD:
            processor = getattr(client_jobs, job.partition(".")[2])
            values = {name: revive(each) for name, each in payload.items()}
            values.pop("payloadVersion", None)
            processor.enqueue(
                processor.payload_type.model_validate(values),
                job_id=options.get("jobId"),
                delay=options.get("delayMs", 0) / 1000,
                at_front=options.get("atFront", False),
                after=options.get("after", ()),
                queue=options.get("queue"),
                publisher=publisher,
            )
        orders = [OrderPayload(order_id=f"M-{n}") for n in range(1100)]
        publisher.publish_many(client_jobs.order, orders, at_front=True)


def publish_by_node(folder: Path, urls: dict[str, str]) -> dict[str, list[object]]:
    printed = run_node(
        folder, "client_driver.js", "cases.json", urls["ioredis"], urls["node-redis"]
    )
    found = json.loads(printed)
    half = len(found) // 2
    return {"ioredis": found[:half], "node-redis": found[half:]}


def refusal(error):
    """An error as the driver prints it, with the option's name in TypeScript."""
    names = {"job_id": "jobId", "delay": "delayMs"}
    return {"path": names.get(error.path, error.path), "message": str(error)}


def as_json(made):
    if isinstance(made, list):
        return [as_json(each) for each in made]
    return {"jobId": made.job_id, "queued": made.queued}


def arguments(case):
    options = case["options"]
    found = {
        "delay": options.get("delayMs", 0) / 1000,
        "at_front": options.get("atFront", False),
        "after": options.get("after", ()),
        "queue": options.get("queue"),
    }
    return found if case.get("many") else found | {"job_id": options.get("jobId")}


def publish_by_python(module, url, cases):
    found = []
    module._carrier = no_trace
    with Redis.from_url(url) as connection:
        client = module.ClientJobsClient(connection)
        for case in cases:
            job = client.job(case["job"])
            publish = job.enqueue_many if case.get("many") else job.enqueue
            try:
                made = publish(revive(case["payload"]), **arguments(case))
            except module.PayloadError as error:
                found.append(refusal(error))
            else:
                found.append(as_json(made))
    return found


async def publish_by_asyncio(module, url, cases):
    found = []
    async with redis.asyncio.Redis.from_url(url) as connection:
        client = module.AsyncClientJobsClient(connection)
        for case in cases:
            job = client.job(case["job"])
            publish = job.enqueue_many if case.get("many") else job.enqueue
            try:
                made = await publish(revive(case["payload"]), **arguments(case))
            except module.PayloadError as error:
                found.append(refusal(error))
            else:
                found.append(as_json(made))
    return found


def no_trace():
    return {}


def contents(url: str) -> dict[bytes, object]:
    """Every key and its value; times that Redis wrote are brought to one."""
    found: dict[bytes, object] = {}
    with Redis.from_url(url) as connection:
        for key in connection.scan_iter():
            kind = connection.type(key)
            if kind == b"hash":
                found[key] = {
                    name: b"<time>" if name.endswith(b"d_at") and is_time(value) else value
                    for name, value in connection.hgetall(key).items()
                }
            elif kind == b"list":
                found[key] = connection.lrange(key, 0, -1)
            elif kind == b"set":
                found[key] = connection.smembers(key)
            else:
                now = connection.time()[0]
                scores = connection.zrange(key, 0, -1, withscores=True)
                found[key] = {(name, abs(score - now - 60) < 50) for name, score in scores}
    return found


def is_time(value: bytes) -> bool:
    return re.fullmatch(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value) is not None


@pytest.mark.parametrize("publisher", PUBLISHERS[1:])
def test_the_same_bytes_as_the_worker_s_own_publisher(golden, publisher):
    """Every key, every field, every byte."""
    dumps, _ = golden
    expected, found = dumps["worker"], dumps[publisher]
    for each in found.values():
        if publisher in {"ioredis", "node-redis"} and isinstance(each, dict):
            assert json.loads(each.pop(b"meta")) == {"traceparent": TRACE}
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == value, key


def test_the_same_answers_and_the_same_refusals(golden):
    """Ids, duplicates, and for every payload that does not fit the field's name, without its value."""
    _, answers = golden
    first = answers["ioredis"]
    for found in answers.values():
        assert found[: -len(ODD_OPTIONS)] == first[: -len(ODD_OPTIONS)]
        assert [each["path"] for each in found[-len(ODD_OPTIONS) :]] == [x for _, x in ODD_OPTIONS]
    good, many, bad = first[: len(GOOD)], first[len(GOOD)], first[len(GOOD) + 1 :]
    assert [x["queued"] for x in good if x["jobId"] == "order-A-1-true-null"] == [True, False]
    assert all(each["queued"] for each in many)
    assert [x["jobId"] for x in (many[0], many[-1])] == [
        f"order-M-{n}-true-null" for n in (0, 1099)
    ]
    assert [each["path"] for each in bad[: len(BAD)]] == [path for _, _, path in BAD]
    assert bad[0]["message"] == "orderId: must have at least 1 characters"


def test_the_trace_goes_along(modules, server):
    """Where OpenTelemetry is installed, in Python by itself: the jobs of one call share one trace."""
    module = modules[0]
    module._carrier = CARRIERS["client_plain"]
    provider = TracerProvider()
    with provider.get_tracer("test").start_as_current_span("request") as span:
        with Redis.from_url(server.url) as connection:
            client = module.ClientJobsClient(connection, queue="traced")
            order = OrderPayload(order_id="T")
            client.order.enqueue(module.OrderPayload(order_id="T"))
            insert = client.order.insert(module.OrderPayload(order_id="T"))
            meta = connection.hget("rq:job:order-T-true-null", "meta")
        trace = format_trace_id(span.get_span_context().trace_id)
    assert trace in json.loads(meta)["traceparent"]
    assert insert.parameters[-1] == json.loads(meta)["traceparent"]
    assert insert.parameters[:4] == (
        "traced",
        "client_jobs.order",
        json.dumps(dump_payload(order), separators=(",", ":")),
        "order-T-true-null",
    )
    provider.shutdown()


def test_the_script_is_the_worker_s_own():
    """Both publishers share one script in Redis, and one way to keep an id from being queued twice."""
    assert script() == load("publish")


def test_typed_payloads(modules, server):
    """Dataclasses and models with values of Python's own types say the same as JSON does."""
    values = {
        "order_id": ODD,
        "amount": 5,
        "exact": Decimal("12.50"),
        "color": "하늘",
        "day": date(2024, 2, 29),
        "at": datetime(2026, 1, 31, 9, 0, 0, 120000, tzinfo=UTC),
        "key": UUID(KEY),
        "by_color": {"red": 1},
        "HTML_body": "x",
    }
    texts = []
    for module in modules:
        made = module.EverythingPayload(
            **{name.replace("HTML_body", "html_body"): each for name, each in values.items()},
            lines=[module.Line(sku="a", parts=[module.Line(sku="b")])],
            method=module.Bank(kind="bank"),
        )
        with Redis.from_url(server.url) as connection:
            client = module.ClientJobsClient(connection)
            texts.append(client.everything.insert(made).parameters[2])
    own = EverythingPayload(
        **{
            name: client_jobs.Color(each) if name == "color" else each
            for name, each in values.items()
        }
        | {"by_color": {client_jobs.Color.RED: 1}},
        lines=[client_jobs.Line(sku="a", parts=[client_jobs.Line(sku="b")])],
        method=client_jobs.Bank(kind="bank"),
    )
    assert texts == [own.model_dump_json(by_alias=True)] * 2


def test_the_clients_in_python_pass_mypy_and_ruff(modules, folder):
    """Strictly, and with ruff's own rules; a wrong field is an error of types."""
    found = [*folder.glob("client_p*.py")]
    for name in ("client_plain", "client_pydantic"):
        use = (HERE / "client_types.py").read_text().replace("client_plain", name)
        (folder / f"use_{name}.py").write_text(use)
    cache = PROJECT / ".mypy_cache" / "clients"  # mypy does not lock one that `make type` uses
    for command in (
        ["mypy", "--strict", "--cache-dir", cache, *folder.glob("use_*.py"), *found],
        ["ruff", "check", "--isolated", *found],
        ["ruff", "format", "--isolated", "--check", *found],
    ):
        run = run_module([str(each) for each in command], folder, os.environ)
        assert run.returncode == 0, run.stdout
