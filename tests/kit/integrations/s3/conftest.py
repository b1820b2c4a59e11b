"""A server that speaks S3, a bucket for each test, and clients for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from integrations.amazon import aws_server
from integrations.network import Answers, Line
from worker_payment.kit.integrations.s3 import S3Client
from worker_payment.kit.integrations.s3.client import make_client
from worker_payment.kit.integrations.s3.settings import S3Config


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """Its URL."""
    with aws_server() as url:
        yield url


@pytest.fixture(scope="module")
def connect() -> Iterator[Callable[..., S3Client]]:
    """Make clients for a URL; they are closed in the end."""
    made = []

    def make(endpoint: str, **options: Any) -> S3Client:
        chosen = {
            "region": "ap-northeast-2",
            "bucket": "worker-files",
            "accessKeyId": "test-key",
            "secretAccessKey": "test-secret-key",
            "endpoint": endpoint,
            "timeout": 5000,
        }
        made.append(make_client(S3Config(**(chosen | options))))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def shared(connect, aws) -> S3Client:
    """One client for many tests: making one takes a while."""
    return connect(aws)


@pytest.fixture
def client(shared) -> S3Client:
    """A client with a bucket of the test's own; another object lies outside its prefix."""
    bucket, boto = f"bucket-{uuid4().hex[:12]}", shared._client
    where = {"LocationConstraint": "ap-northeast-2"}
    boto.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    boto.put_object(Bucket=bucket, Key="outside.txt", Body=b"not below the prefix")
    return S3Client(boto, S3Config(region="ap-northeast-2", bucket=bucket, prefix="/tenant-1/"))


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """A server that answers as it is told."""
    answers = Answers()
    yield answers
    answers.close()


@pytest.fixture
def line(aws) -> Iterator[Line]:
    """A line to the server which can break."""
    line = Line(int(aws.rpartition(":")[2]))
    yield line
    line.close()
