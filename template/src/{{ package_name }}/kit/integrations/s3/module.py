"""S3 as a module of the worker."""

from __future__ import annotations

from ...module import Module
from . import close_s3, s3
from .settings import S3Settings


class S3Module(Module):
    """Lends the S3 client to jobs."""

    name = "s3"
    settings = S3Settings

    def check(self) -> str:
        return s3().check()

    def close(self) -> None:
        close_s3()
