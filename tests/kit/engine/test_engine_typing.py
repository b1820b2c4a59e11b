"""Types of a processor hold: for a type checker, and at run time before anything is queued."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from kit_worker import kit_worker
from pydantic import Field
from redis import Redis
from type_cache import type_cache

from worker_payment.kit.engine import AtOnce, JobContext, Payload, Publisher, processor
from worker_payment.kit.engine.job.key import Template, safe_job_id
from worker_payment.kit.engine.job.processor import _registry

BEGINNING = """\
from worker_payment.kit.engine import AtOnce, JobContext, Payload, processor
from worker_payment.kit.engine import Processor

class Approve(Payload):
    order_id: str

class Refund(Payload):
    amount: int
"""

GOOD = """
@processor
def plain(payload: Approve) -> str:
    return payload.order_id

@processor(attempts=2, job_id="approve-{order_id}")
def approve(payload: Approve, context: JobContext) -> int:
    return context.attempt

@processor(Approve, target=lambda payload: payload.order_id,
           at_once=AtOnce(2, key=lambda payload: payload.order_id))
async def later(payload: Approve) -> None: ...

kept: Processor[Approve, int] = approve
number: int = approve(Approve(order_id="1"), None)
first = plain.enqueue(Approve(order_id="1"))
plain.enqueue_many(Approve(order_id=str(number)) for number in range(3))
here: JobContext
last: str = here.enqueue(plain, Approve(order_id="1"), after=[first, "2"])
"""

BAD = [
    ("approve.enqueue(Refund(amount=1))", "arg-type"),
    ("plain.enqueue(Refund(amount=1))", "arg-type"),
    ("plain.enqueue_many([Refund(amount=1)])", "list-item"),
    ("here.enqueue(plain, Refund(amount=1))", "misc"),
    ("word: str = approve(Approve(order_id='1'))", "assignment"),
    (
        (
            "@processor(Approve, job_id=lambda payload: payload.oder_id)\n"
            "def misspelt_id(payload: Approve) -> None: ..."
        ),
        "attr-defined",
    ),
    (
        (
            "@processor(Approve, target=lambda payload: payload.oder_id)\n"
            "def misspelt_target(payload: Approve) -> None: ..."
        ),
        "attr-defined",
    ),
    (
        (
            "@processor(Approve, at_once=AtOnce(2, key=lambda payload: payload.oder_id))\n"
            "def misspelt_key(payload: Approve) -> None: ..."
        ),
        "attr-defined",
    ),
    (
        "@processor(Approve)\ndef of_another(payload: Refund) -> None: ...",
        "arg-type",
    ),
]


def check_types(tmp_path: Path, text: str) -> str:
    """What the strict type checker of a worker says of a module beside it."""
    (tmp_path / "snippet.py").write_text(text)
    rules = [
        "--config-file",
        str(kit_worker() / "pyproject.toml"),
        "--cache-dir",
        str(type_cache()),
    ]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *rules, "snippet.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(kit_worker() / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return checked.stdout


def test_a_type_checker_finds_payloads_of_another_type_and_misspelt_fields(tmp_path: Path) -> None:
    text = BEGINNING + GOOD
    expected = {}
    for snippet, code in BAD:
        text += "\n" + snippet + "\n"
        first = text.count("\n") - snippet.count("\n")
        expected[first] = code
    lines = [line for line in check_types(tmp_path, text).splitlines() if ": error:" in line]
    found = {int(line.split(":")[1]): line.rpartition("[")[2].rstrip("]") for line in lines}
    assert {number: found.get(number, found.get(number + 1)) for number in expected} == expected
    assert len(lines) == len(BAD), lines


def test_the_package_tells_type_checkers_that_it_has_types() -> None:
    assert (kit_worker() / "src" / "worker_payment" / "py.typed").is_file()


class Approve(Payload):
    order_id: str
    shop: int = 0


class Refund(Payload):
    amount: int = 1


@pytest.fixture
def declare() -> Callable[..., object]:
    """Declare processors that are gone after the test."""
    before = dict(_registry)
    yield processor
    _registry.clear()
    _registry.update(before)


def test_another_payload_is_refused_before_anything_is_queued(
    declare: Callable[..., object], publisher: Publisher, connection: Redis, queue: str
) -> None:
    @declare(job_id="approve-{order_id}")
    def approve(payload: Approve) -> None: ...

    with pytest.raises(TypeError, match="takes Approve, not Refund"):
        approve.enqueue(Refund(), publisher=publisher)
    with pytest.raises(TypeError, match="takes Approve, not Refund"):
        publisher.publish_many(approve, [Approve(order_id="1"), Refund()])
    assert connection.llen(f"rq:queue:{queue}") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": lambda payload: payload.oder_id},
        {"job_id": lambda payload: payload.oder_id},
        {"at_once": AtOnce(1, key=lambda payload: payload.oder_id)},
    ],
)
def test_a_misspelt_field_in_a_function_is_refused_before_anything_is_queued(
    declare: Callable[..., object],
    publisher: Publisher,
    connection: Redis,
    queue: str,
    wrong: dict[str, object],
) -> None:
    @declare(**wrong)
    def approve(payload: Approve) -> None: ...

    with pytest.raises(AttributeError, match="oder_id"):
        approve.enqueue(Approve(order_id="1"), publisher=publisher)
    assert connection.llen(f"rq:queue:{queue}") == 0


@pytest.mark.parametrize(
    "wrong",
    ["a-{oder_id}", "a-{order_id", "a-{order_id!r}", "{}", "{shop:>3}", "{{a}}-{shop}", "{shop.x}"],
)
@pytest.mark.parametrize("where", ["job_id", "target", "key"])
def test_a_template_that_does_not_fit_the_payload_is_refused_at_import(
    declare: Callable[..., object], wrong: str, where: str
) -> None:
    options = {"at_once": AtOnce(1, key=wrong)} if where == "key" else {where: wrong}
    with pytest.raises(TypeError, match=r"test_engine_typing\.py:\d+: "):

        @declare(**options)
        def approve(payload: Approve) -> None: ...


def test_a_template_is_filled_with_values_as_they_stand_on_the_wire(
    declare: Callable[..., object],
) -> None:
    @declare(job_id="approve-{shop}-{order_id}", target="{order_id}")
    def approve(payload: Approve) -> None: ...

    assert approve.job_id_for(Approve(order_id="{a}", shop=7)) == safe_job_id("approve-7-{a}")
    assert approve.target_for(Approve(order_id="x")) == "x"


def test_a_parameter_that_nothing_provides_is_named_with_file_and_line(
    declare: Callable[..., object],
) -> None:
    class Gateway: ...

    @declare
    def approve(payload: Approve, context: JobContext, gateway: object) -> None: ...

    approve.resources[1] = type(approve.resources[1])(Gateway)
    [fault] = approve.unprovided()
    assert fault.startswith("tests/kit/engine/test_engine_typing.py:")
    assert "approve asks for Gateway, and nothing provides it" in fault


class State(Enum):
    OPEN = "open"


class Ratio(Enum):
    HALF = 0.5


class Part(Payload):
    name: str = ""


class Scalars(Payload):
    text: str = "가"
    number: int = 12
    yes: bool = True
    state: State = State.OPEN
    kind: Literal["a", 1] = 1
    day: date = date(2026, 1, 2)
    moment: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    unique_id: UUID = UUID(int=1)
    price: Decimal = Decimal("1.50")
    maybe: str | None = None
    short: Annotated[str, Field(max_length=5)] = Field("s", alias="shortName")


class Others(Payload):
    share: float = 0.5
    ratio: Ratio = Ratio.HALF
    either: int | float = 1
    names: tuple[str, ...] = ()
    by_name: dict[str, int] | None = None
    part: Part = Part()
    anything: Any = None


def test_a_template_takes_what_every_language_writes_alike() -> None:
    text = "|".join(f"{{{name}}}" for name in Scalars.model_fields)
    template = Template(text, Scalars)
    assert template(Scalars()) == (
        "가|12|true|open|1|2026-01-02|2026-01-02T03:04:05Z|"
        "00000000-0000-0000-0000-000000000001|1.50|null|s"
    )
    assert template.wire == (
        "{text}|{number}|{yes}|{state}|{kind}|{day}|{moment}|{uniqueId}|{price}|{maybe}|{shortName}"
    )


@pytest.mark.parametrize("name", Others.model_fields)
@pytest.mark.parametrize("where", ["job_id", "target", "key"])
def test_a_template_refuses_what_languages_write_differently(
    declare: Callable[..., object], name: str, where: str
) -> None:
    wrong = f"x-{{{name}}}"
    options = {"at_once": AtOnce(1, key=wrong)} if where == "key" else {where: wrong}
    with pytest.raises(TypeError, match=rf"test_engine_typing\.py:\d+: .*'{name}'"):

        @declare(**options)
        def approve(payload: Others) -> None: ...


def test_odd_and_long_ids_are_told_apart_by_sha256() -> None:
    assert safe_job_id("a b") == "a-b-c8687a08aa5d6ed2"
    assert safe_job_id("주문") == "---d64a64f06a81e548"
    assert safe_job_id("x" * 200) == "x" * 200
    assert safe_job_id("x" * 201).startswith("x" * 183 + "-")
    assert len(safe_job_id("x" * 201)) == 200
