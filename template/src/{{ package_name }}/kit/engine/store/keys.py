"""Every private key layout of RQ 3.0 that the engine relies on, in one place.

RQ's public classes know these names as well; the Lua scripts need them as plain strings.
When RQ's pin is raised, this file and the contract tests are what to look at.
"""

from __future__ import annotations

import os

PREFIX = os.environ.get("RQ_KEY_PREFIX", "rq")  # as RQ has it, which publishers need not import

QUEUES = f"{PREFIX}:queues"  # set of queue keys
WORKERS = f"{PREFIX}:workers"  # set of worker keys
SUSPENDED = f"{PREFIX}:suspended"  # exists while `rq suspend` holds

JOB = f"{PREFIX}:job:"  # + job id: the job's hash
RESULTS = f"{PREFIX}:results:"  # + job id: stream of results
EXECUTION = f"{PREFIX}:execution:"  # + job id:execution id: hash of one running attempt
EXECUTIONS = f"{PREFIX}:executions:"  # + job id: sorted set of execution ids
WORKER = f"{PREFIX}:worker:"  # + worker name: the worker's hash; its TTL is the lease

QUEUE = f"{PREFIX}:queue:"  # + queue name: list of waiting job ids
STARTED = f"{PREFIX}:wip:"  # + queue name: sorted set of job id:execution id
FINISHED = f"{PREFIX}:finished:"  # + queue name: sorted set of job ids
FAILED = f"{PREFIX}:failed:"
CANCELED = f"{PREFIX}:canceled:"
SCHEDULED = f"{PREFIX}:scheduled:"
DEFERRED = f"{PREFIX}:deferred:"  # wait for other jobs

# Ours. + queue name: hash of job id -> `execution id worker` of every delivery that our workers run.
# A job that is deleted or canceled leaves nothing else by which its id can be told to be taken.
RUNNING = f"{PREFIX}:running:"

# Ours. + queue name: sorted set of job ids that snooze, by the time they come back.
SNOOZING = f"{PREFIX}:snoozing:"

# Ours. + queue name: hash of key -> the job that holds it; + queue name:key: the list of those that
# wait for it (see scripts/order.lua).
ORDER = f"{PREFIX}:order:"

# Ours. + queue name:text: a publisher that may repeat itself has published this.
ONCE = f"{PREFIX}:once:"

# Fields that the engine adds to a job's hash; RQ keeps what it does not know.
INTERRUPTIONS = "interruptions"  # deliveries that ended with their worker's death
CHECKPOINT = "checkpoint"  # state for the next attempt, as JSON
PROGRESS = "progress"  # how far a job has come, as JSON
SNOOZES = "snoozes"  # how often it has asked to come back later
ORDER_KEY = "order"  # what the job shares with others, of which one runs at a time
ORDER_HOLD = "order_hold"  # 1 when it keeps the key after it has failed for good


def worker_executions(worker: str) -> str:
    """Set of job id:execution id that a worker is running."""
    return f"{WORKER}{worker}:executions"
