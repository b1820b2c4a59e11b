"""The processor: a function that does one kind of job, its payload and its policy."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, Concatenate, Generic, Literal, Protocol, TypeVar, overload

from ..errors import PermanentError, UnknownJobError
from .context import JobContext
from .key import Key, Template, key_of, safe_job_id
from .order import Order, OrderTemplate
from .payload import P, load_payload
from .policy import AtOnce, Backoff, Policy, Rate
from .prepared import Receipt
from .publish import Publisher, default_publisher, publish_all
from .resources import Resource, place, providers, read_signature

R = TypeVar("R")

_PATIENCE = 30.0  # seconds until a newer worker is looked for again, for a job of its own


_registry: dict[str, Processor[Any, Any]] = {}


class Processor(Generic[P, R]):
    """A decorated function: callable as before, and able to publish its own jobs."""

    def __init__(
        self,
        function: Callable[Concatenate[P, ...], R],
        policy: Policy,
        job_id: Key | None,
        target: Key | None,
    ) -> None:
        self.function: Callable[..., R] = function
        self.policy = policy
        self.path = f"{function.__module__}.{function.__name__}"
        self.name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        self.is_async = inspect.iscoroutinefunction(function)
        self.payload_type: type[P]
        self.payload_type, self.resources = read_signature(function)
        at_once = policy.at_once
        try:
            self._job_id = key_of(job_id, self.payload_type)
            self._target = key_of(target, self.payload_type)
            self._limit = key_of(at_once.key, self.payload_type) if at_once else None
            self.order = (
                OrderTemplate(policy.order.key, self.payload_type) if policy.order else None
            )
        except TypeError as error:
            raise TypeError(f"{place(function)}: {error}") from None
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        return f"<Processor {self.name}>"

    def __call__(self, payload: P | dict[str, Any], *resources: Any) -> R:
        """Run the function in this process: for tests, and for RQ's own workers."""
        loaded = load_payload(self.payload_type, payload, self.name)
        if resources or not self.resources:
            return self.function(loaded, *resources)
        context = JobContext(
            job_id="direct",
            job_type=self.name,
            attempt=1,
            attempts=1,
            queue="",
            payload=loaded,
            target=self.target_for(loaded),
        )
        result = self.run(context)
        if self.is_async:
            return self._then_publish(result, context)  # type: ignore[return-value]
        publish_all(context.link.publications)
        return result

    async def _then_publish(self, result: Any, context: JobContext) -> Any:
        found = await result
        publish_all(context.link.publications)
        return found

    def run(self, context: JobContext) -> R:
        """Run one attempt with every resource the function asks for.

        For an `async def` processor the result is a coroutine that holds the resources
        until it has ended.
        """
        if not self.resources:
            return self.function(context.payload)
        if self.is_async:
            return self._run_async(context)  # type: ignore[return-value]
        with ExitStack() as stack:
            return self.function(context.payload, *self._open(stack, context))

    async def _run_async(self, context: JobContext) -> Any:
        with ExitStack() as stack:
            return await self.function(context.payload, *self._open(stack, context))  # type: ignore[misc]

    def _open(self, stack: ExitStack, context: JobContext) -> Iterable[Any]:
        for resource in self.resources:
            if resource.kind is JobContext:
                yield context
                continue
            provider = providers.get(resource.kind)
            if provider is None:
                raise PermanentError(self._nothing_provides(resource))
            yield stack.enter_context(provider(context, *resource.extras))

    def unprovided(self) -> list[str]:
        """Name every parameter that nothing provides, with file and line."""
        return [
            f"{place(self.function)}: {self._nothing_provides(each)}"
            for each in self.resources
            if each.kind is not JobContext and each.kind not in providers
        ]

    def _nothing_provides(self, resource: Resource) -> str:
        kind = getattr(resource.kind, "__name__", resource.kind)
        return f"{self.name} asks for {kind}, and nothing provides it"

    def check(self, payload: P) -> None:
        """Refuse what would only fail in the worker.

        Raises:
            TypeError: The payload is of another type.
            Exception: What job id, target or limit raise for this payload.
        """
        if not isinstance(payload, self.payload_type):
            raise TypeError(
                f"{self.name} takes {self.payload_type.__name__}, not {type(payload).__name__}"
            )
        for key in (self._target, self._limit):
            if key is not None:
                key(payload)

    def limit_key_for(self, payload: P) -> str:
        """What jobs share that may not run all at once."""
        return "all" if self._limit is None else self._limit(payload)

    def job_id_for(self, payload: P) -> str | None:
        """The job id that this payload asks for, in the letters that RQ allows."""
        return None if self._job_id is None else safe_job_id(self._job_id(payload))

    @property
    def portable_job_id(self) -> str | Literal[False] | None:
        """How other languages make the id: a template of wire names, None for a random id.

        False when it is a Python function, which they cannot compute.
        """
        if self._job_id is None:
            return None
        return self._job_id.wire if isinstance(self._job_id, Template) else False

    def target_for(self, payload: P) -> str | None:
        """What the job works on (the key of its record); by default what its id is made of."""
        source = self._target or self._job_id
        return None if source is None else source(payload)

    def enqueue(
        self,
        payload: P,
        *,
        job_id: str | None = None,
        delay: float = 0.0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
        queue: str | None = None,
        publisher: Publisher | None = None,
    ) -> Receipt:
        """Publish a job.

        Args:
            payload: The typed payload.
            job_id: Identity of the job; by default what the processor derives from the
                payload, else a random one. The same id is not queued twice while the first
                waits or runs.
            delay: Seconds before the job may run.
            at_front: Put it before all jobs that wait.
            after: Jobs that must have succeeded before it runs: receipts or ids. One that failed
                holds it up until that one is run again and succeeds, or is discarded with it.
            queue: The queue, where the worker serves several; by default the publisher's.
            publisher: Where to publish; by default the queue of the settings.

        Returns:
            The job's id, and whether it was queued or is a duplicate.

        Raises:
            TypeError: The payload is of another type than the processor's.
            ValueError: An id has other characters than letters, digits, `_` and `-`, or there is
                both a delay and something to wait for.
            redis.exceptions.ConnectionError: Redis cannot be reached.
        """
        target = _target(publisher, queue)
        return target.publish(
            self, payload, job_id=job_id, delay=delay, at_front=at_front, after=after
        )

    def enqueue_many(
        self,
        payloads: Iterable[P],
        *,
        job_ids: Iterable[str] | None = None,
        delay: float = 0.0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
        queue: str | None = None,
        publisher: Publisher | None = None,
    ) -> list[Receipt]:
        """Publish many jobs, in one round trip for each 500 of them or each MB.

        Args:
            payloads: A typed payload per job; all are checked before the first is published.
            job_ids: An id per job, where they are not derived.
            delay: Seconds before the jobs may run.
            at_front: Put them, in their order, before all jobs that wait.
            after: Jobs that must have succeeded before they run: receipts or ids.
            queue: The queue, where the worker serves several; by default the publisher's.
            publisher: Where to publish; by default the queue of the settings.

        Returns:
            A receipt per payload, in their order; of two jobs with one id the second is a duplicate.

        Raises:
            TypeError: A payload is of another type than the processor's.
            ValueError: An id has other characters than letters, digits, `_` and `-`, there are not
                as many as payloads, or there is both a delay and something to wait for.
            redis.exceptions.ConnectionError: Redis cannot be reached. Parts sent before are queued.
        """
        target = _target(publisher, queue)
        return target.publish_many(
            self, payloads, job_ids=job_ids, delay=delay, at_front=at_front, after=after
        )


def _target(publisher: Publisher | None, queue: str | None) -> Publisher:
    found = publisher or default_publisher()
    return found.on(queue) if queue else found


class _Declare(Protocol):
    """Makes a processor of a function."""

    def __call__(self, function: Callable[Concatenate[P, ...], R], /) -> Processor[P, R]:
        """Decorate it."""


class _DeclareFor(Protocol[P]):
    """Makes a processor of a function that takes this payload."""

    def __call__(self, function: Callable[Concatenate[P, ...], R], /) -> Processor[P, R]:
        """Decorate it."""


@overload
def processor(function: Callable[Concatenate[P, ...], R], /) -> Processor[P, R]: ...


@overload
def processor(
    payload: type[P],
    /,
    *,
    attempts: int = 3,
    backoff: Backoff | None = None,
    timeout: int | None = 180,
    result_ttl: int = 500,
    keep_order: bool = False,
    rate: Rate | None = None,
    at_once: AtOnce[P] | None = None,
    order: Order | str | None = None,
    job_id: Callable[[P], str] | str | None = None,
    target: Callable[[P], str] | str | None = None,
) -> _DeclareFor[P]: ...


@overload
def processor(
    *,
    attempts: int = 3,
    backoff: Backoff | None = None,
    timeout: int | None = 180,
    result_ttl: int = 500,
    keep_order: bool = False,
    rate: Rate | None = None,
    at_once: AtOnce[Any] | None = None,
    order: Order | str | None = None,
    job_id: Key | None = None,
    target: Key | None = None,
) -> _Declare: ...


def processor(
    subject: Any = None,
    /,
    *,
    attempts: int = 3,
    backoff: Backoff | None = None,
    timeout: int | None = 180,
    result_ttl: int = 500,
    keep_order: bool = False,
    rate: Rate | None = None,
    at_once: AtOnce[Any] | None = None,
    order: Order | str | None = None,
    job_id: Key | None = None,
    target: Key | None = None,
) -> Any:
    """Declare a processor, with its policy beside it.

    Args:
        subject: The function, when nothing else is said: it takes the payload (a `Payload`
            subclass), then any resources by type. Otherwise the payload's class, which lets a
            type checker look into `job_id`, `target` and the key of `at_once`; may be left out.
        attempts: How many times a job may run before it fails for good.
        backoff: Waiting time between attempts; by default 3 s, doubled each time.
        timeout: Seconds one attempt may take; None for no limit.
        result_ttl: Seconds a finished job is kept in Redis.
        keep_order: Wait for a retry in the slot, so that no later job overtakes.
        rate: At most so many starts in a span of time, over all replicas.
        at_once: At most so many jobs at once, per key, over all replicas.
        order: What must be processed in the order of publishing, one job at a time: a template of
            the payload's fields (`"{order_id}"`), or an `Order`.
        job_id: The job's id, so that the same work is not queued twice: a template of the
            payload's fields (`"approve-{order_id}"`), or a function of the payload.
        target: What the job works on, where that differs from the id; likewise.

    Raises:
        TypeError: The function's parameters are not annotated as a processor's must be, or a
            template names something that is no field of the payload.
    """
    policy = Policy(
        attempts,
        backoff or Backoff(),
        timeout,
        result_ttl,
        keep_order,
        rate,
        at_once,
        Order(order) if isinstance(order, str) else order,
    )

    expected = subject if isinstance(subject, type) else None

    def decorate(function: Callable[..., R]) -> Processor[Any, R]:
        made: Processor[Any, R] = Processor(function, policy, job_id, target)
        if expected is not None and made.payload_type is not expected:
            raise TypeError(f"{place(function)}: its payload is no {expected.__name__}")
        _registry[made.path] = made
        return made

    return decorate if subject is None or expected is not None else decorate(subject)


def processors() -> list[Processor[Any, Any]]:
    """Every processor that has been imported, by name."""
    return sorted(_registry.values(), key=lambda each: each.name)


def find_processor(name: str) -> Processor[Any, Any]:
    """Look a processor up by its dotted path or by its name.

    Raises:
        UnknownJobError: There is none; the message lists the names there are. A path beside
            those of this worker's processors may be known to a newer worker.
    """
    found = _registry.get(name) or next((p for p in processors() if p.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in processors()) or "none"
        newer = _PATIENCE if _may_be_newer(name) else None
        raise UnknownJobError(
            f"unknown job {name!r}; this worker knows: {known}", retry_after=newer
        )
    return found


def _may_be_newer(path: str) -> bool:
    """Whether a path lies where this worker's processors do, and names nothing that is there."""
    home, _, name = path.rpartition(".")
    if hasattr(sys.modules.get(home), name):
        return False  # a function that is no processor
    modules = (each.path.rpartition(".")[0] for each in _registry.values())
    homes = {module.rpartition(".")[0] or module for module in modules}
    return any(path.startswith(f"{home}.") for home in homes)
