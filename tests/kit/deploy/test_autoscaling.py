"""The autoscaler counts what there is to do, and is safe at zero."""

from __future__ import annotations

import math

import pytest
import yaml

import engine_jobs as jobs
from support import ROOT, eventually
from worker_payment.kit.config import Settings
from worker_payment.kit.engine import Options
from worker_payment.kit.scheduling import schedules
from worker_payment.worker import worker

# What KEDA's Redis trigger runs: it counts whatever the key holds.
COUNT = """
local command = {zset = 'ZCARD', set = 'SCARD', list = 'LLEN', hash = 'HLEN', none = 'LLEN'}
return redis.call(command[redis.call('TYPE', KEYS[1]).ok], KEYS[1])
"""


@pytest.fixture
def scaler():
    """The ScaledObject."""
    path = ROOT / "deploy/kubernetes/overlays/autoscaled/scaled-object.yaml"
    found = next(iter(yaml.safe_load_all(path.read_text())))
    return found["spec"]


def replicas(scaler, connection, queue):
    """How many replicas it asks for, by its own formula."""
    numbers = {
        each["name"]: connection.eval(
            COUNT, 1, each["metadata"]["listName"].rpartition(":")[0] + f":{queue}"
        )
        for each in scaler["triggers"]
    }
    modifiers = scaler["advanced"]["scalingModifiers"]
    assert modifiers["formula"] == "waiting + running + (delayed > 0 ? 1 : 0)"
    value = numbers["waiting"] + numbers["running"] + (1 if numbers["delayed"] > 0 else 0)
    return math.ceil(value / float(modifiers["target"]))


def test_it_looks_at_this_worker(scaler):
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    queue, concurrency = defaults["worker_queue"], defaults["worker_concurrency"]
    assert [each["metadata"]["listName"] for each in scaler["triggers"]] == [
        f"rq:{kind}:{queue}" for kind in ("queue", "wip", "scheduled")
    ]
    assert int(scaler["advanced"]["scalingModifiers"]["target"]) == concurrency


def test_waiting_running_and_delayed_jobs_keep_it_up(
    scaler, connection, queue, publisher, start_worker
):
    assert replicas(scaler, connection, queue) == 0
    jobs.gate.clear()
    publisher.publish(jobs.wait_for_gate, jobs.Note(text=queue))
    assert replicas(scaler, connection, queue) == 1
    start_worker(Options(concurrency=1))
    assert jobs.running.acquire(timeout=10)
    assert connection.llen(f"rq:queue:{queue}") == 0
    assert replicas(scaler, connection, queue) == 1  # it runs
    publisher.publish(jobs.note, jobs.Note(text=f"{queue}-late"), delay=1.5)
    jobs.gate.set()
    eventually(lambda: connection.zcard(f"rq:wip:{queue}") == 0)
    assert replicas(scaler, connection, queue) == 1  # it waits for its time
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 2)
    assert replicas(scaler, connection, queue) == 0


def test_a_schedule_needs_a_replica(scaler):
    worker.load_processors()
    own = [each for each in schedules() if each.name != "leap-day"]  # that is a test's
    assert scaler["minReplicaCount"] >= (1 if own else 0)
