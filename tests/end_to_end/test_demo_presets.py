"""The demos of the presets that speak to vendors: stand-ins answer, nothing is configured."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kit_worker import lend_compiled
from preloaded import run_preloaded
from rendering import render

pytestmark = pytest.mark.timeout(300)


def demo(worker: Path) -> str:
    """Run the demo of a worker in this environment, and return what it said."""
    lend_compiled(worker)
    hidden = ("REDIS_URL", "BIZPPURIO_", "FCM_", "SMTP_", "MAIL_", "GOVER", "DATABASE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = run_preloaded(
        [str(worker / "demo/run.py")], cwd=worker, env=kept | {"PYTHONPATH": "src"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit code 0; 2 jobs wait for the next one" in done.stdout
    return done.stdout


def test_what_the_demos_say(tmp_path: Path) -> None:
    """They run side by side: most of their time they wait for jobs that sleep."""
    workers = [
        render(tmp_path, "notification"),
        render(tmp_path / "tables", "public-data"),
        render(tmp_path / "files", "public-data", with_database=False),
    ]
    with ThreadPoolExecutor() as pool:
        notification, *collections = pool.map(demo, workers)
    one_notification_went_out_by_mail_alimtalk_and_push(notification)
    for said in collections:
        a_real_shaped_data_set_was_collected_page_by_page(said)


def one_notification_went_out_by_mail_alimtalk_and_push(said: str) -> None:
    """All three vendors took their part, and the job ended well."""
    assert "Bizppurio took (at, SMS if it cannot be delivered): Hong" in said
    assert "Firebase took, for device-1: Hong" in said
    assert "The mail server took, for hong@example.com: Welcome, Hong" in said
    assert "alimtalk=accepted push=accepted mail=accepted" in said


def a_real_shaped_data_set_was_collected_page_by_page(said: str) -> None:
    """Three pages of trades, into the database or into files."""
    pages = [line for line in said.splitlines() if "data.go.kr sent page" in line]
    assert len(pages) == 3
    assert said.count("public_data.stored") == 3
