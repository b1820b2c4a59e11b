"""One trace from the publisher through the job to what it calls, seen by a real collector."""

from __future__ import annotations

import otel_jobs as jobs
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    use_span,
)
from otel_receiver import Receiver, Recorded
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from worker_payment.kit.engine import Publisher
from worker_payment.kit.integrations.otel import (
    carry_traces,
    stop_carrying,
)

SECRET = "s3cret-of-a-customer"
# OTLP counts kinds from 1, the API from 0.
PRODUCER, CONSUMER, CLIENT = (
    kind.value + 1 for kind in (SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.CLIENT)
)


def _calls(receiver: Receiver, parent: Recorded) -> list[Recorded]:
    found = [span for span in receiver.spans if span.parent_id == parent.span_id]
    assert {span.trace_id for span in found} == {parent.trace_id}
    return found


def test_a_trace_crosses_publisher_worker_http_call_sql_and_upload(
    receiver: Receiver, worker, publisher: Publisher, api_server: Tracer, queue: str
) -> None:
    """Its ids are in the log as well, and neither payload nor query leaves the worker."""
    with api_server.start_as_current_span("POST /orders"):
        order = jobs.Order(url=receiver.url, secret=SECRET)
        receipt = jobs.ship.enqueue(order, publisher=publisher)
    with worker() as running:
        done = running.wait_for("job.done", jobId=receipt.job_id)
        started = running.wait_for("job.start", jobId=receipt.job_id)
        running.signal()
        assert running.exit_code() == 0
    (request,) = receiver.named("POST /orders")
    (publish,) = receiver.named(f"publish {queue}")
    (process,) = receiver.named(f"process {queue}")
    assert publish.kind == PRODUCER
    assert publish.parent_id == request.span_id
    assert process.kind == CONSUMER
    assert process.parent_id == publish.span_id
    assert process.trace_id == publish.trace_id == request.trace_id
    assert process.resource["service.name"]
    expected = {
        "messaging.system": "rq",
        "messaging.destination.name": queue,
        "messaging.operation.name": "process",
        "messaging.message.id": receipt.job_id,
        "messaging.rq.job.type": "otel_jobs.ship",
        "messaging.rq.job.attempt": 1,
        "messaging.rq.job.outcome": "done",
    }
    assert expected.items() <= process.attributes.items()
    called = _calls(receiver, process)
    assert [span.name for span in called if span.kind == CLIENT] == [span.name for span in called]
    systems = [
        next(key for key in ("db.system", "rpc.system", "http.method") if key in span.attributes)
        for span in called
    ]
    assert {"http.method", "db.system", "rpc.system"} <= set(systems)
    statements = [span.attributes.get("db.statement") for span in called]
    assert "SELECT ?" in statements
    # The one that is called continues the trace.
    assert any(process.trace_id in call.get("traceparent", "") for call in receiver.calls)
    assert SECRET not in repr(receiver.spans)
    for line in (started, done):
        assert line["trace_id"] == process.trace_id
        assert line["span_id"] == process.span_id


def test_attempts_that_fail_are_spans_of_one_trace(
    receiver: Receiver, worker, publisher: Publisher, api_server: Tracer, queue: str
) -> None:
    """Each with the error's class, and without its message."""
    receipt = jobs.stumble.enqueue(jobs.Order(secret=SECRET), publisher=publisher)
    with worker() as running:
        failed = running.wait_for("job.failed", jobId=receipt.job_id)
        running.signal()
        assert running.exit_code() == 0
    attempts = receiver.named(f"process {queue}")
    assert [span.attributes["messaging.rq.job.outcome"] for span in attempts] == [
        "retried",
        "failed",
    ]
    (publish,) = receiver.named(f"publish {queue}")
    assert {span.parent_id for span in attempts} == {publish.span_id}
    assert all(span.failed for span in attempts)
    assert {span.attributes["error.type"] for span in attempts} == {"ConnectionError"}
    assert failed["span_id"] == attempts[1].span_id
    assert SECRET not in repr(receiver.spans)


def test_a_plain_rq_publisher_may_send_a_trace_or_none(
    receiver: Receiver, worker, connection: Redis, queue: str
) -> None:
    """With `traceparent` in its meta the job continues that trace; without, it begins one."""
    plain = Queue(queue, connection=connection, serializer=JSONSerializer)
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    meta = {"traceparent": f"00-{trace}-{span}-01", "number": 1}
    plain.enqueue(jobs.nod.path, {}, job_id="with", meta=meta)
    plain.enqueue(jobs.nod.path, {}, job_id="without")
    plain.enqueue(jobs.nod.path, {}, job_id="broken", meta={"traceparent": "nonsense"})
    with worker("run", "--burst") as running:
        assert running.exit_code() == 0
    spans = receiver.named(f"process {queue}")
    found = {each.attributes["messaging.message.id"]: each for each in spans}
    assert (found["with"].trace_id, found["with"].parent_id) == (trace, span)
    assert {found[name].parent_id for name in ("without", "broken")} == {""}
    assert len({each.trace_id for each in spans}) == 3


def test_a_job_that_never_began_has_a_span(
    receiver: Receiver, worker, connection: Redis, queue: str
) -> None:
    """Nobody knows its function."""
    plain = Queue(queue, connection=connection, serializer=JSONSerializer)
    plain.enqueue("nobody.knows.this", job_id="stray")
    with worker("run", "--burst") as running:
        assert running.exit_code() == 0
    (span,) = receiver.named(f"process {queue}")
    assert span.failed
    assert span.attributes["messaging.rq.job.outcome"] == "failed"


def test_a_publisher_without_an_sdk_hands_the_trace_on_that_it_was_given(
    publisher: Publisher,
) -> None:
    """What `carry_traces` does in an API server."""
    trace_id = 0x4BF92F3577B34DA6A3CE929D0E0E4736
    given = SpanContext(trace_id, 0xF067AA0BA902B7, is_remote=True, trace_flags=TraceFlags(1))
    carry_traces()
    carry_traces()  # once is enough, and twice no harm
    try:
        with use_span(NonRecordingSpan(given)):
            receipt = jobs.nod.enqueue(jobs.Order(), publisher=publisher)
    finally:
        stop_carrying()
    job = Job.fetch(receipt.job_id, publisher.connection, serializer=JSONSerializer)
    assert job.meta == {"traceparent": f"00-{trace_id:032x}-00f067aa0ba902b7-01"}
