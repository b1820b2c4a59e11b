"""From a claimed job to something that can be called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import PayloadError
from ..job.context import AttemptLink, JobContext
from ..job.payload import load_payload
from ..job.policy import Policy
from ..job.processor import find_processor
from ..store.claim import Claim


@dataclass(slots=True)
class Task:
    """What runs for a claim.

    Args:
        name: The job's type, as logs show it.
        path: Dotted path of the function.
        policy: The processor's policy; None for a plain function, which RQ's rules govern.
        timeout: Seconds one attempt may take, None for no limit.
        call: Runs it, with what makes the attempt's link; for a coroutine function, makes the
            coroutine.
        is_async: Whether `call` makes a coroutine.
        payload: The payload as it came, for whoever keeps failed jobs.
        limit_key: What jobs that may not run all at once share; None when it cannot be
            told because the payload does not fit.
    """

    name: str
    path: str
    policy: Policy | None
    timeout: int | None
    call: Callable[[Callable[[], AttemptLink]], Any]
    is_async: bool
    payload: Any = None
    limit_key: Callable[[], str | None] = lambda: None


Resolver = Callable[[Claim], Task]


def processor_task(claim: Claim) -> Task:
    """Only processors may run: a dotted path in Redis must not reach any other code.

    Raises:
        DeserializationError: The job is not JSON.
        UnknownJobError: Its function is no processor of this worker.
    """
    path, args, kwargs = claim.call()
    processor = find_processor(path)
    payload = kwargs if kwargs and not args else (args[0] if args else {})

    def call(link: Callable[[], AttemptLink]) -> Any:
        if len(args) > 1 or (args and kwargs):
            raise PayloadError(f"payload of {processor.name}: expected one JSON object")
        loaded = load_payload(processor.payload_type, payload, processor.name)
        if not processor.resources:  # nothing sees the context
            return processor.function(loaded)
        return processor.run(
            JobContext(
                job_id=claim.job_id,
                job_type=processor.name,
                attempt=claim.attempt,
                attempts=processor.policy.attempts,
                queue=claim.queue.name,
                payload=loaded,
                target=processor.target_for(loaded),
                link=link(),
            )
        )

    def limit_key() -> str | None:
        try:
            loaded = load_payload(processor.payload_type, payload, processor.name)
            return processor.limit_key_for(loaded)
        except PayloadError:
            return None  # let it run into the error

    policy = processor.policy
    return Task(
        name=processor.name,
        path=path,
        policy=policy,
        timeout=policy.timeout,
        call=call,
        is_async=processor.is_async,
        payload=payload,
        limit_key=limit_key,
    )


def any_task(claim: Claim) -> Task:
    """Processors by their policy, any other importable function by RQ's own rules.

    For queues that trusted publishers share with other RQ workers.
    """
    path, args, kwargs = claim.call()
    try:
        return processor_task(claim)
    except Exception:  # not a processor
        timeout = claim.number(b"timeout")
        limit = timeout if timeout is not None and timeout > 0 else None
        return Task(path, path, None, limit, lambda _: claim.job._execute(), False, [args, kwargs])


def unresolved_task(claim: Claim) -> Task:
    """Stands in for a job that could not be read: it fails at once and is kept.

    Its name is the function's path. RQ's `description` of a job repeats the arguments.
    """
    name = claim.function() or "unknown"
    policy = Policy(attempts=1)
    return Task(name, name, policy, policy.timeout, lambda _: None, False)
