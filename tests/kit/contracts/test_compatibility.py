"""Which changes of a payload break what waits in the queue."""

from __future__ import annotations

import json
from datetime import date
from typing import Literal

import pytest
from pydantic import Field, create_model

from program import program
from worker_payment.kit.contracts.compatibility import breaking_changes
from worker_payment.kit.contracts.snapshot import compare, describe, load
from worker_payment.kit.engine import Order, Payload, Policy, Processor


class Part(Payload):
    """One line of an order."""

    name: str


class Tree(Payload):
    """Contains itself."""

    children: list[Tree] = Field(default=[])


def schema(**fields):
    """JSON Schema of a payload with these fields."""
    return create_model("P", __base__=Payload, **fields).model_json_schema(by_alias=True)


ORDER = {"order_id": (str, ...), "amount": (int, 0), "parts": (list[Part], [])}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ORDER, ORDER),
        (ORDER, ORDER | {"note": (str, "")}),
        (ORDER, ORDER | {"amount": (float, 0.0)}),
        (ORDER, ORDER | {"amount": (int | None, None)}),
        ({"a": (int, ...)}, {"a": (int, 0)}),
        ({"a": (str, Field(max_length=5))}, {"a": (str, Field(max_length=9))}),
        ({"a": (str, Field(min_length=5))}, {"a": (str, ...)}),
        ({"a": (Literal["x"], ...)}, {"a": (Literal["x", "y"], ...)}),
        ({"a": (Tree, ...)}, {"a": (Tree, ...)}),
    ],
)
def test_harmless(before, after):
    assert breaking_changes(schema(**before), schema(**after)) == []


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (ORDER, {"order_id": (str, ...), "parts": (list[Part], [])}, "amount: removed"),
        (ORDER, ORDER | {"note": (str, ...)}, "note: required"),
        (ORDER, ORDER | {"amount": (str, "")}, "amount: integer"),
        (ORDER, ORDER | {"order_id": (date, ...)}, "orderId: format"),
        (ORDER, ORDER | {"parts": (list[str], [])}, "parts[]: object"),
        (ORDER, ORDER | {"parts": (list[dict[str, int]], [])}, "parts[].name: removed"),
        ({"a": (int | None, None)}, {"a": (int, 0)}, "a: null"),
        ({"a": (str, ...)}, {"a": (str, Field(max_length=9))}, "a: maxLength"),
        ({"a": (int, Field(ge=1))}, {"a": (int, Field(ge=2))}, "a: minimum"),
        ({"a": (str, ...)}, {"a": (Literal["x", "y"], ...)}, "a: only x, y"),
        ({"a": (str, ...)}, {"a": (str, Field(pattern="^x"))}, "a: pattern"),
    ],
)
def test_breaking(before, after, place):
    changes = breaking_changes(schema(**before), schema(**after))
    assert [each for each in changes if each.startswith(place)], changes


def document(version, **fields):
    """A contract of one job."""
    job = {"function": "p.x.y", "version": version, "jobId": None, "payload": schema(**fields)}
    return {"contract": 2, "queue": "q", "keyPrefix": "rq:", "jobs": {"x.y": job}}


def test_a_raised_version_allows_a_break():
    old, new = {"a": (int, ...)}, {"a": (str, ...)}
    assert compare(document(1, **old), document(1, **new)).breaking
    verdict = compare(document(1, **old), document(2, **new))
    assert verdict.breaking == []
    assert "version raised" in verdict.notices[0]
    assert compare(document(2, **old), document(1, **old)).breaking


def test_a_removed_job_is_noted():
    verdict = compare(document(1), document(1) | {"jobs": {}})
    assert verdict.breaking == []
    assert "removed" in verdict.notices[0]


def test_what_publishers_must_follow_is_noted():
    new = document(1) | {"queue": "other"}
    new["jobs"]["x.y"]["jobId"] = "y-{orderId}"
    verdict = compare(document(1), new)
    assert verdict.breaking == []
    assert [each.partition(" ")[0] for each in verdict.notices] == ["queue", "x.y:"]


@pytest.mark.parametrize(
    ("job_id", "portable"),
    [(None, None), ("pay-{order_id}", "pay-{orderId}"), (lambda order: order.order_id, False)],
)
def test_the_contract_says_how_ids_are_made(job_id, portable):
    class Order(Payload):
        order_id: str

    def pay(payload: Order) -> None: ...

    pay.__annotations__["payload"] = Order
    made = Processor(pay, Policy(), job_id, None)
    assert describe([made])["jobs"][made.name]["jobId"] == portable


def test_the_contract_names_queues_and_what_keeps_an_order():
    class Sale(Payload):
        order_id: str

    def sell(payload: Sale) -> None: ...

    sell.__annotations__["payload"] = Sale
    plain = Processor(sell, Policy(), None, None)
    ordered = Processor(sell, Policy(order=Order("sale-{order_id}")), None, None)
    before, after = describe([plain]), describe([ordered], ["urgent", "normal"])
    assert ("queues" in before, "order" in before["jobs"][plain.name]) == (False, False)
    assert after["queues"] == ["urgent", "normal"]
    assert after["jobs"][ordered.name]["order"] == "sale-{orderId}"
    assert "its order is now by" in compare(before, after).notices[0]
    assert compare(after, before).notices[0].startswith("queue ")


def test_a_file_of_the_first_form_is_compared_and_renewed(tmp_path):
    path = tmp_path / "payloads.json"
    path.write_text(json.dumps(document(1, a=(int, ...))["jobs"]))
    verdict = compare(load(path), document(1))
    assert verdict.breaking == ["x.y: a: removed"]
    assert "older form" in verdict.notices[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "form is None"),
        ('{"contract": 3, "jobs": {}}', "form is 3"),
        ('{"contract": 2}', "form is 2"),
        ("{", "property name"),
    ],
)
def test_what_is_no_contract_is_refused(tmp_path, text, said):
    path = tmp_path / "payloads.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        load(path)


def test_the_command_refuses_to_write_a_break(tmp_path, redis_url, queue):
    path = tmp_path / "payloads.json"
    with program(tmp_path, redis_url, queue, "schema", "--write", str(path)) as run:
        assert run.exit_code() == 0
    agreed = json.loads(path.read_text())
    nap = agreed["jobs"]["program_jobs.nap"]["payload"]
    nap["properties"]["gone"] = {"type": "string"}
    path.write_text(json.dumps(agreed))
    for option in ("--against", "--write"):
        with program(tmp_path, redis_url, queue, "schema", option, str(path)) as run:
            assert run.exit_code() == 1
        assert "program_jobs.nap: gone: removed" in run.output
    assert json.loads(path.read_text()) == agreed
