"""What makes the worker an ordinary RQ worker to `rq info`, the dashboard and other workers.

Its key in Redis is also its lease: a worker whose key is gone counts as dead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import structlog
from redis import Redis
from redis.client import Pipeline, PubSub
from redis.exceptions import RedisError
from rq.command import handle_command, parse_payload
from rq.rate_limit import RateLimitRegistry
from rq.serializers import JSONSerializer
from rq.utils import now, utcformat
from rq.worker import BaseWorker, WorkerStatus
from rq.worker_registration import clean_worker_registry, register

from ..run.deadlines import Deadline
from ..run.draining import Draining
from .options import Options

log: Any = structlog.get_logger("engine")


class MemberWorker(BaseWorker):
    """Registration, lease and commands. Subclasses do the work.

    Args:
        queues: Names of the queues, most important first.
        connection: The client. It must not retry by itself.
        name: Unique name of this worker.
        options: How it works.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; wait for it before.
    """

    death_penalty_class = Deadline
    log_result_lifespan = False

    def __init__(
        self, queues: Sequence[str], connection: Redis, name: str, options: Options
    ) -> None:
        self.options = options
        self.draining = Draining(options.lease)
        self.leaving = threading.Event()  # set when the process is about to end
        self._stopped = threading.local()
        self._suspended = False
        super().__init__(
            list(queues),
            name=name,
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=options.lease,
            maintenance_interval=options.maintenance_interval,
            log_job_description=False,
        )

    @property
    def connection_timeout(self) -> int:
        """Seconds a command may take; RQ would wait for minutes."""
        return 5

    @property
    def _stopped_job_id(self) -> str | None:
        # RQ has one per worker; here each thread ends its own job.
        return getattr(self._stopped, "job_id", None)

    @_stopped_job_id.setter
    def _stopped_job_id(self, job_id: str | None) -> None:
        self._stopped.job_id = job_id

    def heartbeat(
        self,
        timeout: int | None = None,  # noqa: ARG002 - RQ's callers ask for minutes
        pipeline: Pipeline | None = None,
    ) -> None:
        """Renew the lease; a longer one would hide a dead worker."""
        connection: Any = pipeline if pipeline is not None else self.connection
        self.last_heartbeat = now()
        connection.hset(self.key, "last_heartbeat", utcformat(self.last_heartbeat))
        connection.expire(self.key, self.options.lease)

    def sign_on(self) -> None:
        """Become visible and listen to commands."""
        self.register_birth()  # type: ignore[no-untyped-call]
        self.renew()
        self.subscribe()  # type: ignore[no-untyped-call]

    def renew(self) -> None:
        """Write the worker's key with its lease; all of it, should it have expired."""
        sent = time.monotonic()
        with self.connection.pipeline() as pipeline:
            self.last_heartbeat = now()
            pipeline.hset(self.key, mapping=self.serialize() | self._shown())
            pipeline.expire(self.key, self.options.lease)
            register(self, pipeline)
            pipeline.execute()
        self.draining.renewed(sent)

    def _shown(self) -> dict[str, str]:
        return {"state": self.current_state(), "away": self.options.gate.away()}

    def current_state(self) -> WorkerStatus:
        """What `rq info` shows of this worker."""
        return WorkerStatus.SUSPENDED if self._suspended else WorkerStatus.IDLE

    def sign_off(self) -> None:
        """Leave the list of workers; without Redis the lease simply runs out."""
        try:
            self.register_death()  # type: ignore[no-untyped-call]
        except RedisError:
            log.warning("redis.lost", detail="could not sign off; the lease will run out")
        self._stop_listening()

    def _stop_listening(self) -> None:
        """End the thread that listens to commands; `leaving` is set.

        RQ's `unsubscribe` waits for it a second in vain where it has seen the answer and waits for
        the next message. Both may not close the subscription: so it loses its connection, and does.
        """
        thread: Any = self.pubsub_thread
        pubsub: Any = self.pubsub
        thread.stop()
        if (connection := pubsub.connection) is not None:
            connection.disconnect()
        thread.join(timeout=1)

    def maintain(self) -> None:
        """Run RQ's own maintenance when its time has come."""
        if self.should_run_maintenance_tasks:
            self.clean_registries()
            self.clean_group_registries()  # type: ignore[no-untyped-call]

    def clean_registries(self) -> None:
        """Clean as RQ does, by Redis' clock and with a limit for callbacks that works in threads."""
        for queue in self.queues:
            if not queue.acquire_maintenance_lock():
                continue
            seconds, micros = self.connection.time()
            queue.finished_job_registry.cleanup()
            started = queue.started_job_registry
            started.death_penalty_class = Deadline
            started.cleanup(seconds + micros / 1e6, exception_handlers=self._exc_handlers)
            queue.failed_job_registry.cleanup()
            queue.deferred_job_registry.cleanup()
            queue.ready_job_registry.cleanup()
            for limited in RateLimitRegistry.all(self.connection):
                limited.cleanup()
            clean_worker_registry(queue)
            queue.intermediate_queue.cleanup(self, queue)
            queue.release_maintenance_lock()  # type: ignore[no-untyped-call]
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def stop_job(self, job_id: str, execution_id: str | None) -> None:
        """Stop a running job because somebody asked for it."""
        raise NotImplementedError

    def handle_payload(self, message: dict[str, Any]) -> None:
        """Obey a command of `rq` or the dashboard."""
        payload = parse_payload(message)
        if payload["command"] in ("stop-job", "stop-execution"):
            self.stop_job(payload["job_id"], payload.get("execution_id"))
        else:
            handle_command(self, payload)

    def _pubsub_exception_handler(self, _exc: Exception, _: PubSub, pubsub_thread: Any) -> None:
        """Keep listening through every outage of Redis."""
        if self.leaving.wait(1.0):
            pubsub_thread.stop()
