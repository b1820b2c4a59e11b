"""Vendors away: it costs no job an attempt, jobs of other processors go on, and a bad job ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from bizppurio_vendor import FakeBizppurio
from boto3.session import Session
from fcm_server import FakeFcm, account, write_account
from ftp_server import PASSWORD, USER, FtpServer
from mail_templates import TEMPLATES, write_templates
from moto.server import ThreadedMotoServer
from pytest_httpserver import HTTPServer
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from werkzeug import Response

from integrations import outage_jobs as jobs
from program import Program, program
from support import eventually, free_port
from worker_payment.kit.engine import Publisher

BREAKER = '{"failures":3,"pause":200,"longestPause":1000}'


class Vendor:
    """A server that can go away and come back at its address.

    Args:
        name: What the worker calls it.
    """

    jobs = 8  # while it is away

    def __init__(self, name: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.name = f"{name} 127.0.0.1:{self.port}"
        self._running = False

    def start(self) -> None:
        self._start()
        self._running = True

    def stop(self) -> None:
        if self._running:
            self._running = False
            self._stop()

    def _start(self) -> None:
        raise NotImplementedError

    def _stop(self) -> None:
        raise NotImplementedError

    def arrived(self) -> int:
        """How many jobs have taken effect there."""
        raise NotImplementedError


class Ftp(Vendor):
    """Its files lie in a folder."""

    jobs = 40

    def __init__(self, folder: Path) -> None:
        super().__init__("FTP")
        self._folder = folder

    def _start(self) -> None:
        self._server = FtpServer(self._folder, port=self.port)

    def _stop(self) -> None:
        self._server.stop()

    def arrived(self) -> int:
        return len(list(self._folder.rglob("*.txt")))


class Smtp(Vendor):
    """Counts its mails."""

    jobs = 40

    def __init__(self) -> None:
        super().__init__("SMTP")
        self._mails = 0

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self._mails += 1
        return "250 OK"

    def _start(self) -> None:
        self._server = Controller(self, hostname="127.0.0.1", port=self.port)
        self._server.start()

    def _stop(self) -> None:
        self._server.stop()

    def arrived(self) -> int:
        return self._mails


class S3(Vendor):
    """One bucket."""

    def __init__(self) -> None:
        super().__init__("S3")

    def _start(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        self._boto = Session("key", "secret", region_name="us-east-1").client(
            "s3", endpoint_url=self.url
        )
        self._boto.create_bucket(Bucket="outage-files")

    def _stop(self) -> None:
        self._boto.close()
        self._server.stop()

    def arrived(self) -> int:
        return len(self._boto.list_objects_v2(Bucket="outage-files").get("Contents", []))


class Api(Vendor):
    """A vendor with an API.

    Args:
        name: What the worker calls it.
        teach: Teaches the server the API, and returns what counts its jobs.
    """

    def __init__(self, name: str, teach: Callable[[HTTPServer], Callable[[], int]]) -> None:
        super().__init__(name)
        self.server = HTTPServer("127.0.0.1", self.port)
        self._arrived = teach(self.server)

    def _start(self) -> None:
        self.server.start()

    def _stop(self) -> None:
        self.server.stop()

    def arrived(self) -> int:
        return self._arrived()


def bizppurio(server: HTTPServer) -> Callable[[], int]:
    fake = FakeBizppurio(server)
    return lambda: len(fake.messages)


def fcm(server: HTTPServer) -> Callable[[], int]:
    fake = FakeFcm(server)
    return lambda: len(fake.bodies)


def public_data(server: HTTPServer) -> Callable[[], int]:
    """One of its services never answers in time, while the others do."""
    header = {"resultCode": "00", "resultMsg": "OK"}
    body = {"items": {"item": [{"name": "x"}]}, "totalCount": 1}
    good = json.dumps({"response": {"header": header, "body": body}})
    count: list[int] = []

    def answer(_: Any) -> Response:
        count.append(1)
        return Response(good, content_type="application/json")

    server.expect_request("/good").respond_with_handler(answer)
    server.expect_request(jobs.BAD).respond_with_data("gateway time-out", 504)
    return lambda: len(count)


@pytest.fixture
def vendors(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """All of them, running, by the name of their processor."""
    (tmp_path / "ftp").mkdir()
    made: dict[str, Any] = {
        "upload": Ftp(tmp_path / "ftp"),
        "write": Smtp(),
        "store": S3(),
        "text": Api("Bizppurio", bizppurio),
        "push": Api("FCM", fcm),
        "collect": Api("public data", public_data),
    }
    for each in made.values():
        each.start()
    yield made
    for each in made.values():
        each.stop()


@pytest.fixture
def run(vendors, tmp_path, redis_url, queue) -> Callable[..., AbstractContextManager[Program]]:
    """Run commands of a worker that needs all of them."""
    ftp = {"host": "127.0.0.1", "port": vendors["upload"].port, "user": USER}
    s3 = {"region": "us-east-1", "bucket": "outage-files", "endpoint": vendors["store"].url}
    s3 |= {"accessKeyId": "key", "secretAccessKey": "secret"}
    variables = {
        "FTP_CONFIG": json.dumps(ftp | {"password": PASSWORD}),
        "SMTP_PORT": str(vendors["write"].port),
        "MAIL_TEMPLATE_DIR": str(write_templates(tmp_path / "mail", TEMPLATES)),
        "S3_CONFIG": json.dumps(s3),
        "BIZPPURIO_MSG_BASE_URL": vendors["text"].url,
        "BIZPPURIO_MSG_ID": "tester",
        "BIZPPURIO_MSG_PASSWORD": "s3cret",
        "BIZPPURIO_MSG_FROM": "02-123-4567",
        "FCM_BASE_URL": vendors["push"].url,
        "FCM_AUTH_JSON_DIR": str(write_account(tmp_path, account(vendors["push"].server))),
        "GOVERMENT_KOREA_DATA_BASE_URL": vendors["collect"].url,
        "GOVERMENT_KOREA_DATA_SERVICE_KEY": "key",
        "GOVERMENT_KOREA_DATA_RATE": "0",
        "WORKER_CONCURRENCY": "8",
        "WORKER_LEASE": "4",
    }
    names = ("FTP", "MAIL", "S3", "BIZPPURIO", "FCM", "GOVERMENT_KOREA_DATA")
    variables |= {f"{name}_BREAKER": BREAKER for name in names}
    return partial(
        program,
        tmp_path,
        redis_url,
        queue,
        jobs="integrations.outage_jobs",
        modules=True,
        **variables,
    )


def publish(publisher: Publisher, name: str, *names: str) -> list[str]:
    """Publish jobs of a processor; return their ids."""
    wanted = [jobs.Work(name=each) for each in names]
    return [each.job_id for each in publisher.publish_many(getattr(jobs, name), wanted)]


def jobs_of(connection: Redis, ids: list[str]) -> list[Job]:
    """Jobs as Redis has them now."""
    found = Job.fetch_many(ids, connection, serializer=JSONSerializer)
    return [each for each in found if each is not None]


def states(connection: Redis, ids: list[str]) -> set[str]:
    """The states of jobs."""
    return {each.get_status(refresh=False) for each in jobs_of(connection, ids)}


def away(run: Callable[..., AbstractContextManager[Program]]) -> str:
    """What the only worker says in `stats`, as of its last sign of life."""
    with run("stats", "--json") as stats:
        assert stats.exit_code() == 0
    return str(json.loads(stats.output)["workers"][0]["away"])


def ready(run: Callable[..., AbstractContextManager[Program]]) -> str:
    """What `health` says, as of the worker's last beat: other jobs go on, so it is ready."""
    with run("health", "--ready") as health:
        assert health.exit_code() == 0
    return health.output


def names_all(text: str, expected: list[str]) -> bool:
    """Whether a text has all of these."""
    return all(each in text for each in expected)


@pytest.mark.timeout(240)
def test_jobs_wait_for_vendors_that_are_away(vendors, run, publisher, connection):
    """Six vendors go away under a worker and come back."""
    with run() as worker:
        first = [one for name in vendors for one in publish(publisher, name, "first")]
        eventually(lambda: states(connection, first) == {"finished"}, timeout=60)
        (bad,) = publish(publisher, "collect", "bad")
        eventually(lambda: states(connection, [bad]) == {"failed"}, timeout=60)
        assert len(worker.lines("job.retry", jobId=bad)) == 4
        assert not worker.lines("outage.begin"), "one bad job opens nothing"

        for each in vendors.values():
            each.stop()
        waiting = []
        for name, each in vendors.items():
            waiting += publish(publisher, name, *(f"w{number}" for number in range(each.jobs)))
        free = publish(publisher, "other", "free")
        eventually(lambda: states(connection, free) == {"finished"}, timeout=60)
        for each in vendors.values():
            worker.wait_for("outage.begin", of=each.name)
        expected = [f"{each.name} is away for " for each in vendors.values()]
        for said in (away, ready):
            eventually(lambda said=said: names_all(said(run), expected), timeout=30)
        assert "finished" not in states(connection, waiting)

        for each in vendors.values():
            each.start()
        eventually(lambda: states(connection, waiting) == {"finished"}, timeout=60)
        for each in vendors.values():
            worker.wait_for("outage.end", of=each.name)
            assert each.arrived() == each.jobs + 1
        worker.signal()
        assert worker.exit_code() == 0
    assert {line["jobId"] for line in worker.lines("job.retry")} == {bad}
    assert {line["jobId"] for line in worker.lines("job.failed")} == {bad}
    assert {job.number_of_retries or 0 for job in jobs_of(connection, waiting)} == {0}
