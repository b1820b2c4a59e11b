"""A collector for each test, a worker that exports to it, and a publisher with its own SDK."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Tracer
from otel_receiver import Receiver, serve

from program import Program, program
from support import PYTHONPATH
from worker_payment.kit.engine import observe
from worker_payment.kit.integrations.otel.tracing import (
    Tracing,
)

StartWorker = Callable[..., AbstractContextManager[Program]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The collector."""
    made, server = serve()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def worker(tmp_path: Path, redis_url: str, queue: str, receiver: Receiver) -> StartWorker:
    """Start the real program with the tests' jobs; keywords are variables."""

    def start(*command: str, **variables: str) -> AbstractContextManager[Program]:
        paths = [PYTHONPATH, Path(__file__).parent]
        chosen = {
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        }
        options = chosen | variables
        return program(
            tmp_path, redis_url, queue, *command, jobs="otel_jobs", modules=True, **options
        )

    return start


@pytest.fixture
def api_server(receiver: Receiver) -> Iterator[Tracer]:
    """The SDK of a process that publishes."""
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{receiver.url}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("api")
    end = observe(Tracing(tracer))
    yield tracer
    end()
    provider.shutdown()
