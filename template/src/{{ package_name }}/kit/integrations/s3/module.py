"""What the worker needs to know about S3."""

from __future__ import annotations

from .. import Module
from . import close_s3, s3
from .settings import S3Settings

MODULE = Module(
    name="s3",
    settings=S3Settings,
    check=lambda: s3().check(),
    close=close_s3,
)
