"""The demos of the presets that speak to vendors: stand-ins answer, nothing is configured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rendering import render

pytestmark = pytest.mark.timeout(300)


def demo(worker: Path) -> str:
    """Run the demo of a worker with this environment's Python, and return what it said."""
    hidden = ("REDIS_URL", "BIZPPURIO_", "FCM_", "SMTP_", "MAIL_", "GOVER", "DATABASE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run(
        [sys.executable, "demo/run.py"],
        cwd=worker,
        env=kept | {"PYTHONPATH": "src", "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit code 0; 2 jobs wait for the next one" in done.stdout
    return done.stdout


def test_one_notification_goes_out_by_mail_alimtalk_and_push(tmp_path: Path) -> None:
    """All three vendors take their part, and the job ends well."""
    said = demo(render(tmp_path, "notification"))
    assert "Bizppurio took (at, SMS if it cannot be delivered): Hong" in said
    assert "Firebase took, for device-1: Hong" in said
    assert "The mail server took, for hong@example.com: Welcome, Hong" in said
    assert "alimtalk=accepted push=accepted mail=accepted" in said


@pytest.mark.parametrize("with_database", [True, False])
def test_a_real_shaped_data_set_is_collected_page_by_page(
    tmp_path: Path,
    with_database: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Three pages of trades, into the database or into files."""
    said = demo(render(tmp_path, "public-data", with_database=with_database))
    pages = [line for line in said.splitlines() if "data.go.kr sent page" in line]
    assert len(pages) == 3
    assert said.count("public_data.stored") == 3
