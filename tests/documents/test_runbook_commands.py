"""Every command of a repository's runbooks does what it says, with and without the database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console import Step, steps
from reader import Reader
from redis import Redis
from rendering import render
from rq.job import Job
from rq.serializers import JSONSerializer
from worker_payment.kit.testing import eventually

pytestmark = pytest.mark.timeout(500)  # many commands

# In this order: a later page finds what an earlier one left.
PAGES = ("replay", "redis-lost", "add-a-processor", "deploy", "upgrade", "drain")
# By options of the repository; what is the same in both is run once.
VARIANTS = {"--with database": PAGES, "--without database": PAGES[:2]}
# What is run elsewhere, and where.
ELSEWHERE = {
    "docker ": "needs Docker: `make image-check`",
    "kubectl ": "needs a cluster: deploy/checks validates what it applies",
    "worker-payment new client": "tests/template/test_scaffold.py: its library is to be installed",
    "make all": "tests/template/test_variants.py judges every variant so",
    "make pin": "resolves the dependencies on the network",
    "make manifests": "tests/template/test_deployment.py",
}
JOBS = [f"approve-CANCELED-{number}" for number in range(5)]


def commands(page: Path) -> list[Step]:
    """The commands of a page: in its blocks, then in its sentences, each once."""
    found = [step for step in steps(page) if step.kind == "command"]
    assert found, page
    inline = re.findall(r"(?<!`)`((?:worker-payment|make) [a-z][^`]*)`", page.read_text())
    found += [Step("command", 0, text) for text in inline]
    return list({step.text: step for step in found}.values())


def follow(reader: Reader, text: str) -> None:
    """Run a command that must end well."""
    reader.follow(Step("command", 0, text))


def test_languages_give_the_same_commands(tmp_path: Path) -> None:
    """So one of them is enough below."""
    shown = {}
    for language in ("en", "ko"):
        folder = tmp_path / language
        folder.mkdir()
        worker = render(folder, "payment", docs_language=language)
        pages = worker / "docs" / "runbooks"
        shown[language] = {
            name: [each.text for each in commands(pages / f"{name}.md")] for name in PAGES
        }
        assert {page.stem for page in pages.glob("*.md")} == set(PAGES)
    assert shown["en"] == shown["ko"]


@pytest.mark.parametrize("options", VARIANTS)
def test_the_runbooks_can_be_followed(reader: Reader, redis_url: str, options: str) -> None:
    """Failed jobs are there, and a worker runs; JOB_ID stands for one job after the other."""
    follow(reader, f"old-gen-worker payment {options} --yes --quiet && cd worker-payment")
    # In a step of its own: the reader has an environment for a repository that is there.
    follow(reader, "make setup && cp .env.example .env && sed -i /^DATABASE_CONFIG/d .env")
    for job in JOBS:
        order = job.removeprefix("approve-")
        follow(
            reader,
            f""".venv/bin/worker-payment enqueue payment.approve '{{"orderId": "{order}"}}'""",
        )
    reader.follow(Step("background", 0, ".venv/bin/worker-payment run"))
    left = iter(JOBS)
    with Redis.from_url(redis_url) as connection:
        eventually(lambda: all(failed(connection, job) for job in JOBS), timeout=60)
        for name in VARIANTS[options]:
            page = reader.folder / "worker-payment" / "docs" / "runbooks" / f"{name}.md"
            for step in commands(page):
                if step.text.startswith(tuple(ELSEWHERE)):
                    continue
                text = step.text
                if "JOB_ID" in text:
                    job = next(left)
                    eventually(lambda job=job: failed(connection, job), timeout=30)
                    text = text.replace("JOB_ID", job)
                if text.endswith("--watch"):  # until Ctrl-C
                    text = f"timeout -s INT 4 {text}; test $? = 124"
                if text.startswith("gen-worker update") and "--finish" not in text:
                    follow(reader, "git add -A; git commit -qm work || true")
                try:
                    reader.follow(Step("command", step.line, text, step.expected))
                except AssertionError as error:
                    error.add_note(f"{page.name}, line {step.line}")
                    raise


def failed(connection: Redis, job_id: str) -> bool:
    """Whether a job has failed for good."""
    return Job.fetch(job_id, connection, serializer=JSONSerializer).is_failed
