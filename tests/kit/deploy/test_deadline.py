"""One deadline: whoever stops the worker waits longer than the worker lets its jobs run on."""

from __future__ import annotations

import re

import yaml

from support import ROOT
from worker_payment.kit.config import Settings

MARGIN = 5  # seconds at least for closing what is open, after the last job has been given back


def seconds(text):
    """`1m35s` in seconds."""
    units = {"h": 3600, "m": 60, "s": 1}
    assert re.fullmatch(r"(\d+[hms])+", text)
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


def env_file(path):
    """The variables in a file."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def drain():
    """Seconds that the worker gives its jobs by itself."""
    return Settings.model_fields["worker_shutdown_timeout"].default


def test_compose_waits_for_the_drain():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    wait = seconds(services["worker"]["stop_grace_period"])
    assert wait >= drain() + MARGIN


def test_kubernetes_waits_for_the_drain():
    base = ROOT / "deploy/kubernetes/base"
    deployment = yaml.safe_load((base / "deployment.yaml").read_text())
    wait = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert wait >= drain() + MARGIN
    configured = float(env_file(base / "worker.env")["WORKER_SHUTDOWN_TIMEOUT"])
    assert wait >= configured + MARGIN


def test_all_places_name_the_same_deadline():
    assert {
        float(env_file(path)["WORKER_SHUTDOWN_TIMEOUT"])
        for path in (ROOT / ".env.example", ROOT / "deploy/kubernetes/base/worker.env")
    } == {drain()}
