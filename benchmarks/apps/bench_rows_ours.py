"""Publishing jobs with a row for the generated worker; they are processors that it was given."""

from __future__ import annotations

import os

import worker_payment.worker  # noqa: F401 - composes the worker
from bench_rows import names
from worker_payment.kit.config import load_settings
from worker_payment.kit.config.redis import publisher
from worker_payment.processors.bench import Row, with_record, without

job = without if os.environ.get("BENCH_RECORDS") == "no" else with_record

if __name__ == "__main__":
    publisher(load_settings()).publish_many(job, (Row(name=name) for name in names()))
