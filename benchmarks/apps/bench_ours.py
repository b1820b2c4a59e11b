"""Publishing for the generated worker; its job is a processor that the benchmark writes into it."""

from __future__ import annotations

import bench_publish
import worker_blank.worker  # noqa: F401 - composes the worker
from worker_blank.kit.config import load_settings
from worker_blank.kit.config.redis import publisher
from worker_blank.processors.bench import Job, again, job


def _publish() -> None:
    target = publisher(load_settings())
    bench_publish.run(
        lambda mode, value: job.enqueue(Job(mode=mode, value=value), publisher=target),
        lambda mode, value, count: target.publish_many(
            job, (Job(mode=mode, value=value) for _ in range(count))
        ),
        lambda mode, value, delay, count: target.publish_many(
            job, (Job(mode=mode, value=value) for _ in range(count)), delay=delay
        ),
        lambda wait, count: target.publish_many(
            again, (Job(mode="", value=wait) for _ in range(count))
        ),
    )


if __name__ == "__main__":
    _publish()
