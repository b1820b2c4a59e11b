"""What every Python client brings along: checking payloads and publishing. Needs `redis` alone.

It mirrors `runtime.ts` step by step, so that both write the same bytes. The writer of a client
copies this file from the first line of code on.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import (
    Any,
    Generic,
    Literal,
    NamedTuple,
    NoReturn,
    Protocol,
    TypeVar,
)
from uuid import UUID

from redis.exceptions import NoScriptError


@dataclass(frozen=True)
class Receipt:
    """What publishing answers.

    Args:
        job_id: The job's id.
        queued: False when a job with this id is waiting or running already.
    """

    job_id: str
    queued: bool


@dataclass(frozen=True)
class Insert:
    """A statement for your own transaction: the job is published once that has committed.

    Args:
        sql: The statement.
        parameters: Its values, in order.
    """

    sql: str
    parameters: tuple[str | int | bool | None, ...]

    @property
    def named(self) -> tuple[str, dict[str, str | int | bool | None]]:
        """The statement with `:names`, and its values by name: for SQLAlchemy's `text()`."""
        sql = _insert(f":{name}" for name in _OUTBOX)
        return sql, dict(zip(_OUTBOX, self.parameters, strict=True))


class PayloadError(ValueError):
    """A payload or an option does not fit the contract. Its text holds no value.

    Args:
        path: Where: `items[0].amount`; empty for the payload as a whole.
        reason: What must be so.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path


class RedisClient(Protocol):
    """The part of `redis.Redis` that is used."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""


class AsyncRedisClient(Protocol):
    """The part of `redis.asyncio.Redis` that is used."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""


Dialect = Literal["postgresql", "mysql", "mariadb", "sqlite"]
QueueName = str  # in a client, the names of the worker's queues
_Shape = dict[str, Any]

_JOBS_A_TRIP = 500
_BYTES_A_TRIP = 1_000_000
_VERSION = "payloadVersion"
_OUTBOX = (
    "queue",
    "job_type",
    "payload",
    "job_id",
    "delay_ms",
    "at_front",
    "order_key",
    "traceparent",
)
_ANY: _Shape = {"kind": "any"}
_HALF = re.compile(r"[\ud800-\udfff]")
_ID = re.compile(r"[A-Za-z0-9_-]+")
_SHORT_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,6})\d*)?"
    r"([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?",
    re.ASCII,
)


class _JobContract(NamedTuple):
    function: str
    payload: str
    version: int
    timeout: int
    result_ttl: int
    # Texts, each with the field behind it; None for random ids, False when only the worker knows.
    job_id: Sequence[tuple[str, str | None]] | Literal[False] | None


class _Contract(NamedTuple):
    queue: str
    queues: Sequence[str]
    prefix: str
    script: str
    shapes: dict[str, _Shape]
    jobs: dict[str, _JobContract]


# --- Payloads ------------------------------------------------------------------------------------


class _Encoder:
    """Checks values and returns them as the JSON that the worker itself would write."""

    def __init__(self, shapes: dict[str, _Shape]) -> None:
        self._shapes = shapes

    def text(self, shape: _Shape, value: Any, path: str) -> str:
        """Check one value."""
        encode: Callable[[_Shape, Any, str], str] = getattr(self, f"_{shape['kind']}")
        return encode(shape, value, path)

    def fields(self, shape: _Shape, value: Any, path: str) -> dict[str, str]:
        """Check an object, and return the JSON of each of its fields."""
        given = _given(value, path)
        texts: dict[str, str] = {}
        for each in shape["fields"]:
            name = each["name"]
            place = _inside(path, name)
            if name in given and not (given[name] is None and each.get("omit")):
                texts[name] = self.text(each["shape"], given[name], place)
            elif each.get("required"):
                _refuse(place, "is missing")
            elif "default" in each:
                texts[name] = self.text(each["shape"], each["default"], place)
        extra = shape.get("extra")
        if extra is None:
            return texts  # the worker ignores what it does not know
        known = {each["name"] for each in shape["fields"]}
        for name in given:
            if name in known:
                continue
            if extra == "forbid":
                _refuse(_inside(path, name), "is not in the contract")
            texts[name] = self.text(extra, given[name], _inside(path, name))
        return texts

    def _object(self, shape: _Shape, value: Any, path: str) -> str:
        return _object_text(self.fields(shape, value, path))

    def _ref(self, shape: _Shape, value: Any, path: str) -> str:
        return self.text(self._shapes[shape["name"]], value, path)

    def _string(self, shape: _Shape, value: Any, path: str) -> str:
        text = _as_text(value)
        if text is None:
            _refuse(path, "must be a text")
        if _HALF.search(text):
            _refuse(path, "holds half a character")
        _check_size(shape, len(text), path, "characters")
        pattern = shape.get("pattern")
        if pattern is not None and not re.search(pattern, text):
            _refuse(path, f"must match {shape['source']}")
        return _json(_formatted(shape.get("format"), text, path))

    def _integer(self, shape: _Shape, value: Any, path: str) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            _refuse(path, "must be a whole number")
        _check_range(shape, value, path)
        return str(int(value))

    def _number(self, shape: _Shape, value: Any, path: str) -> str:
        if not isinstance(value, int | float) or isinstance(value, bool):
            _refuse(path, "must be a number")
        if not math.isfinite(value):
            _refuse(path, "must be a number")
        _check_range(shape, value, path)
        return _float(float(value))

    def _boolean(self, _shape: _Shape, value: Any, path: str) -> str:
        if not isinstance(value, bool):
            _refuse(path, "must be true or false")
        return "true" if value else "false"

    def _null(self, _shape: _Shape, value: Any, path: str) -> str:
        if value is not None:
            _refuse(path, "must be null")
        return "null"

    def _values(self, shape: _Shape, value: Any, path: str) -> str:
        for each in shape["values"]:
            if value == each and isinstance(value, bool) == isinstance(each, bool):
                return _json(each)
        return _refuse(path, f"must be one of {', '.join(map(_json, shape['values']))}")

    def _array(self, shape: _Shape, value: Any, path: str) -> str:
        if not isinstance(value, list | tuple | AbstractSet):
            _refuse(path, "must be an array")
        _check_size(shape, len(value), path, "items")
        texts = [
            self.text(shape["items"], each, f"{path}[{place}]") for place, each in enumerate(value)
        ]
        if shape.get("unique") and len(set(texts)) < len(texts):
            _refuse(path, "holds an item twice")
        return f"[{','.join(texts)}]"

    def _tuple(self, shape: _Shape, value: Any, path: str) -> str:
        items = shape["items"]
        if not isinstance(value, list | tuple) or len(value) != len(items):
            _refuse(path, f"must be an array of {len(items)} items")
        texts = [
            self.text(each, value[place], f"{path}[{place}]") for place, each in enumerate(items)
        ]
        return f"[{','.join(texts)}]"

    def _map(self, shape: _Shape, value: Any, path: str) -> str:
        given = _given(value, path)
        _check_size(shape, len(given), path, "entries")
        texts: dict[str, str] = {}
        for name, each in given.items():
            place = _inside(path, name)
            self.text(shape.get("keys", {"kind": "string"}), name, place)
            texts[name] = self.text(shape["values"], each, place)
        return _object_text(texts)

    def _union(self, shape: _Shape, value: Any, path: str) -> str:
        if "by" in shape and value is not None:
            tag = _given(value, path).get(shape["by"])
            name = shape["cases"].get(tag) if isinstance(tag, str) else None
            if name is None:
                _refuse(_inside(path, shape["by"]), f"must be one of {', '.join(shape['cases'])}")
            return self.text(self._shapes[name], value, path)
        failures = []
        for each in sorted(shape["of"], key=lambda each: each.get("name") != type(value).__name__):
            try:
                return self.text(each, value, path)
            except PayloadError as error:
                if each["kind"] != "null":
                    failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        return _refuse(path, "fits nothing that is accepted here")

    def _any(self, _shape: _Shape, value: Any, path: str) -> str:
        if value is None:
            return "null"
        if isinstance(value, bool):
            return self._boolean(_ANY, value, path)
        if isinstance(value, int):
            return self._integer(_ANY, value, path)
        if isinstance(value, float):
            return self._number(_ANY, value, path)
        if _as_text(value) is not None:
            return self._string({"kind": "string"}, value, path)
        if isinstance(value, list | tuple | AbstractSet):
            return self._array({"kind": "array", "items": _ANY}, value, path)
        return self._map({"kind": "map", "values": _ANY}, value, path)


def _given(value: Any, path: str) -> Mapping[str, Any]:
    names: dict[str, str] | None = getattr(type(value), "__wire__", None)
    if names is not None:
        return {wire: getattr(value, name) for name, wire in names.items()}
    if not isinstance(value, Mapping):
        _refuse(path, "must be an object")
    return {str(key): each for key, each in value.items()}


def _as_text(value: Any) -> str | None:
    """A text, and what travels as one."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else None


def _formatted(form: str | None, text: str, path: str) -> str:
    if form == "uuid":
        pattern = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
        if not re.fullmatch(pattern, text):
            _refuse(path, "must be a UUID")
        return text.lower()
    if form == "date":
        if not _is_day(text):
            _refuse(path, "must be a day such as 2026-01-31")
        return text
    return _time_of(text, path) if form == "date-time" else text


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _time_of(text: str, path: str) -> str:
    """One text for one time: six digits of a fraction or none, `Z` for UTC."""
    found = _TIME.fullmatch(text)
    if found is None or not _is_day(found[1]):
        _refuse(path, "must be a time such as 2026-01-31T09:00:00+09:00")
    digits = (found[3] or "").ljust(6, "0")
    fraction = f".{digits}" if digits.strip("0") else ""
    zone = (found[4] or "").upper()
    return f"{found[1]}T{found[2]}{fraction}{'Z' if zone in {'+00:00', '-00:00'} else zone}"


def _check_range(shape: _Shape, value: float, path: str) -> None:
    if "min" in shape and value < shape["min"]:
        _refuse(path, f"must be at least {shape['min']}")
    if "max" in shape and value > shape["max"]:
        _refuse(path, f"must be at most {shape['max']}")
    if "above" in shape and value <= shape["above"]:
        _refuse(path, f"must be more than {shape['above']}")
    if "below" in shape and value >= shape["below"]:
        _refuse(path, f"must be less than {shape['below']}")
    if "multipleOf" in shape and not _is_multiple(value, shape["multipleOf"]):
        _refuse(path, f"must be a multiple of {shape['multipleOf']}")


def _is_multiple(value: float, of: float) -> bool:
    if isinstance(value, int) and float(of).is_integer():
        return value % int(of) == 0
    rest = abs(value) % of
    slack = abs(value) / 1e9  # what decimal fractions lose, as in the worker
    return rest <= slack or of - rest <= slack


def _check_size(shape: _Shape, count: int, path: str, what: str) -> None:
    if "min" in shape and count < shape["min"]:
        _refuse(path, f"must have at least {shape['min']} {what}")
    if "max" in shape and count > shape["max"]:
        _refuse(path, f"must have at most {shape['max']} {what}")


def _float(value: float) -> str:
    """A number with a point, or with an exponent where it is long: as the worker writes it."""
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    if exponent == "-05":
        sign = "-" if value < 0 else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{int(exponent):+d}"


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _object_text(texts: Mapping[str, str]) -> str:
    return "{" + ",".join([_label(name) + text for name, text in texts.items()]) + "}"


@lru_cache(maxsize=1000)  # of many jobs, which have the same fields
def _label(name: str) -> str:
    return f"{_json(name)}:"


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _refuse(path: str, reason: str) -> NoReturn:
    raise PayloadError(path, reason)


# --- Publishing ----------------------------------------------------------------------------------

_P = TypeVar("_P")


class _Ready(NamedTuple):
    """A job that has been checked.

    Args:
        job_id: Its id.
        data: What it calls.
        random: Nobody else can have this id: an answer that it is taken follows a lost reply.
    """

    job_id: str
    data: str
    random: bool

    def receipt(self, code: Any) -> Receipt:
        """What its publication answers."""
        return Receipt(self.job_id, queued=self.random or int(code) == 1)


class _Base(Generic[_P]):
    """One kind of job."""

    def __init__(self, contract: _Contract, job_type: str, queue: str | None) -> None:
        if job_type not in contract.jobs:
            known = ", ".join(contract.jobs)
            _refuse("", f"the contract has no job {job_type}; it has: {known}")
        self.type = job_type
        self._contract = contract
        self._job = contract.jobs[job_type]
        self._queue = queue or contract.queue
        self._encoder = _Encoder(contract.shapes)
        self._call = f"[{_json(self._job.function)},null,["
        self._heads = lru_cache(maxsize=100)(self._head_text)  # most calls want the same one
        self._digest = hashlib.sha1(contract.script.encode(), usedforsecurity=False).hexdigest()

    def insert(
        self,
        payload: _P,
        *,
        dialect: Dialect = "postgresql",
        job_id: str | None = None,
        delay: float | timedelta = 0,
        at_front: bool = False,
        order_key: str | None = None,
        queue: QueueName | None = None,
    ) -> Insert:
        """Write the job into the outbox of your own database (the worker's module `outbox`).

        Args:
            payload: The typed payload.
            dialect: The database of your own tables. Places for values are written as its
                usual driver wants them: `%s`, on SQLite `?`.
            job_id: The job's id; by default the contract says how it is made.
            delay: Seconds from now before the job may run.
            at_front: Run it before the jobs that wait already.
            order_key: Rows with the same key are published in the order they were written in.
            queue: The queue, where the worker serves several.
        """
        texts = self._checked(payload, "")
        made = self._id_of(texts) if job_id is None else _checked_id(job_id)
        sql = _insert(["?" if dialect == "sqlite" else "%s"] * len(_OUTBOX))
        trace = _carrier().get("traceparent")
        options = (made, _milliseconds(delay), at_front, order_key, trace)
        return Insert(sql, (self._queue_of(queue), self.type, self._text(texts), *options))

    def _queue_of(self, queue: str | None) -> str:
        if queue is not None and queue not in self._contract.queues:
            _refuse("queue", f"must be one of {', '.join(self._contract.queues)}")
        return queue or self._queue

    def _head(
        self,
        queue: str | None,
        delay: float | timedelta,
        after: Iterable[Receipt | str],
        *,
        at_front: bool,
    ) -> str:
        """What the jobs of a call have in common."""
        ids = dict.fromkeys(each if isinstance(each, str) else each.job_id for each in after)
        wait = _milliseconds(delay) if delay else 0
        if ids and wait > 0:
            _refuse("after", "a job can wait for others or for a time, not for both")
        checked = tuple([_checked_id(each, "after") for each in ids])
        carrier = _carrier()
        meta = _json(carrier) if carrier else ""
        return self._heads(self._queue_of(queue), wait, checked, meta, at_front)

    def _head_text(
        self, queue: str, wait: int, after: Sequence[str], meta: str, at_front: bool
    ) -> str:
        fields = {
            "origin": queue,
            "description": self.type,
            "timeout": str(self._job.timeout),
            "result_ttl": str(self._job.result_ttl),
        }
        if meta:
            fields["meta"] = meta
        head: dict[str, Any] = {"prefix": self._contract.prefix, "queue": queue, "fields": fields}
        if wait > 0:
            head["delay"] = wait / 1000
        if at_front:
            head["atFront"] = True
        if after:
            head["after"] = after
        return _json(head)

    def _ready(self, payload: _P, job_id: str | None, path: str = "") -> _Ready:
        texts = self._checked(payload, path)
        made = self._id_of(texts) if job_id is None else _checked_id(job_id)
        if made is None and self._job.job_id is False:
            _refuse("job_id", "is missing: only the worker can make it")
        data = f"{self._call}{self._text(texts)}],{{}}]"
        return _Ready(made or os.urandom(16).hex(), data, random=made is None)

    def _ready_many(
        self, payloads: Iterable[_P], job_id: Callable[[_P], str] | None
    ) -> list[_Ready]:
        return [
            self._ready(each, job_id(each) if job_id else None, f"[{place}]")
            for place, each in enumerate(payloads)
        ]

    def _checked(self, payload: _P, path: str) -> dict[str, str]:
        """The JSON of each of the payload's fields."""
        given: Any = payload
        if isinstance(payload, Mapping) and _VERSION in payload:
            if payload[_VERSION] != self._job.version:
                reason = f"this client's contract knows version {self._job.version} alone"
                _refuse(_inside(path, _VERSION), reason)
            given = {name: each for name, each in payload.items() if name != _VERSION}
        return self._encoder.fields(self._contract.shapes[self._job.payload], given, path)

    def _text(self, texts: Mapping[str, str]) -> str:
        version = self._job.version
        return _object_text({**texts, _VERSION: str(version)} if version > 1 else texts)

    def _id_of(self, texts: Mapping[str, str]) -> str | None:
        """The id that the contract asks for; None where it asks for none."""
        if not self._job.job_id:
            return None
        made = ""
        for text, name in self._job.job_id:
            made += text
            if name is not None:
                if name not in texts:
                    _refuse(name, "is missing, and the job's id is made of it")
                value = texts[name]
                made += json.loads(value) if value.startswith('"') else value
        return _safe_id(made)


class Job(_Base[_P]):
    """One kind of job, published through `redis.Redis`."""

    def __init__(
        self, redis: RedisClient, contract: _Contract, job_type: str, queue: str | None
    ) -> None:
        super().__init__(contract, job_type, queue)
        self._redis = redis

    def enqueue(
        self,
        payload: _P,
        *,
        job_id: str | None = None,
        delay: float | timedelta = 0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
        queue: QueueName | None = None,
    ) -> Receipt:
        """Publish one job, in one round trip.

        Args:
            payload: The typed payload.
            job_id: The job's id; by default the contract says how it is made.
            delay: Seconds before the job may run.
            at_front: Run it before the jobs that wait already.
            after: Jobs that must have succeeded before it runs: receipts or ids.
            queue: The queue, where the worker serves several.

        Raises:
            PayloadError: Payload or option do not fit; the error names the field.
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        job = self._ready(payload, job_id)
        head = self._head(queue, delay, after, at_front=at_front)
        (code,) = self._run((head, job.job_id, job.data))
        return job.receipt(code)

    def enqueue_many(
        self,
        payloads: Iterable[_P],
        *,
        job_id: Callable[[_P], str] | None = None,
        delay: float | timedelta = 0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
        queue: QueueName | None = None,
    ) -> list[Receipt]:
        """Publish many jobs, 500 a round trip.

        Args:
            payloads: A payload for each job.
            job_id: Makes the id of each; by default the contract says how it is made.
            delay: Seconds before they may run.
            at_front: Run them, in their order, before the jobs that wait already.
            after: Jobs that must have succeeded before they run: receipts or ids.
            queue: The queue, where the worker serves several.

        Raises:
            PayloadError: One of them does not fit; none is published.
            redis.exceptions.RedisError: Redis cannot be reached; some may be published.
        """
        jobs = self._ready_many(payloads, job_id)
        head = self._head(queue, delay, after, at_front=at_front)
        return self._publish(jobs, head, at_front=at_front)

    def _publish(self, jobs: Sequence[_Ready], head: str, *, at_front: bool) -> list[Receipt]:
        parts = _in_parts(jobs)
        answers = [self._run(_arguments(head, part)) for part in _sent(parts, at_front=at_front)]
        return _receipts(parts, _sent(answers, at_front=at_front))

    def _run(self, arguments: Sequence[str]) -> list[Any]:
        execute = self._redis.execute_command
        try:
            codes: list[Any] = execute("EVALSHA", self._digest, 0, *arguments)
        except NoScriptError:
            codes = execute("EVAL", self._contract.script, 0, *arguments)
        return codes


class AsyncJob(_Base[_P]):
    """One kind of job, published through `redis.asyncio.Redis`."""

    def __init__(
        self, redis: AsyncRedisClient, contract: _Contract, job_type: str, queue: str | None
    ) -> None:
        super().__init__(contract, job_type, queue)
        self._redis = redis

    async def enqueue(
        self,
        payload: _P,
        *,
        job_id: str | None = None,
        delay: float | timedelta = 0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
        queue: QueueName | None = None,
    ) -> Receipt:
        """Publish one job, in one round trip: see `Job.enqueue`."""
        job = self._ready(payload, job_id)
        head = self._head(queue, delay, after, at_front=at_front)
        (code,) = await self._run((head, job.job_id, job.data))
        return job.receipt(code)

    async def enqueue_many(
        self,
        payloads: Iterable[_P],
        *,
        job_id: Callable[[_P], str] | None = None,
        delay: float | timedelta = 0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
        queue: QueueName | None = None,
    ) -> list[Receipt]:
        """Publish many jobs, 500 a round trip: see `Job.enqueue_many`."""
        jobs = self._ready_many(payloads, job_id)
        head = self._head(queue, delay, after, at_front=at_front)
        return await self._publish(jobs, head, at_front=at_front)

    async def _publish(self, jobs: Sequence[_Ready], head: str, *, at_front: bool) -> list[Receipt]:
        parts = _in_parts(jobs)
        answers = [
            await self._run(_arguments(head, part)) for part in _sent(parts, at_front=at_front)
        ]
        return _receipts(parts, _sent(answers, at_front=at_front))

    async def _run(self, arguments: Sequence[str]) -> list[Any]:
        execute = self._redis.execute_command
        try:
            codes: list[Any] = await execute("EVALSHA", self._digest, 0, *arguments)
        except NoScriptError:
            codes = await execute("EVAL", self._contract.script, 0, *arguments)
        return codes


def _insert(places: Iterable[str]) -> str:
    columns = ", ".join(_OUTBOX)
    return f"INSERT INTO worker_outbox ({columns}) VALUES ({', '.join(places)})"  # noqa: S608 - no values


def _in_parts(jobs: Iterable[_Ready]) -> list[list[_Ready]]:
    """Divide jobs into what one trip carries."""
    parts: list[list[_Ready]] = []
    size = 0
    for job in jobs:
        length = len(job.data.encode())
        if not parts or len(parts[-1]) == _JOBS_A_TRIP or size + length > _BYTES_A_TRIP:
            parts.append([])
            size = 0
        parts[-1].append(job)
        size += length
    return parts


_T = TypeVar("_T")


def _sent(parts: Sequence[_T], *, at_front: bool) -> Sequence[_T]:
    """The order of sending, and back: the last part of those that go to the front comes first."""
    return parts[::-1] if at_front else parts


def _arguments(head: str, part: Sequence[_Ready]) -> list[str]:
    return [head, *(text for job in part for text in (job.job_id, job.data))]


def _receipts(parts: Sequence[Sequence[_Ready]], answers: Sequence[list[Any]]) -> list[Receipt]:
    return [
        job.receipt(code)
        for part, codes in zip(parts, answers, strict=True)
        for job, code in zip(part, codes, strict=True)
    ]


def _milliseconds(delay: float | timedelta) -> int:
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if not 0 <= seconds < math.inf:
        _refuse("delay", "must be a number of seconds from 0")
    return round(seconds * 1000)


def _checked_id(job_id: str, option: str = "job_id") -> str:
    if not _ID.fullmatch(job_id):
        _refuse(option, "must be of letters, digits, _ and - only")
    return job_id


def _safe_id(text: str) -> str:
    """Return the id that RQ accepts: the contract's reference page has the rule."""
    if _SHORT_ID.fullmatch(text):
        return text
    cleaned = re.sub(r"[^A-Za-z0-9_-]", "-", text[:183])
    return f"{cleaned}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@cache
def _inject() -> Callable[[dict[str, str]], None] | None:
    """What writes the current trace, where OpenTelemetry is installed."""
    try:
        found: Callable[[dict[str, str]], None]
        found = importlib.import_module("opentelemetry.propagate").inject
    except ImportError:
        return None
    return found


def _carrier() -> dict[str, str]:
    carrier: dict[str, str] = {}
    inject = _inject()
    if inject is not None:
        inject(carrier)
    return carrier
