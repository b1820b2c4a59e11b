"""Firebase Cloud Messaging as a module of the worker."""

from __future__ import annotations

from .. import Module
from . import close
from .settings import FcmSettings


def check() -> str:
    """Have Firebase check a message to a topic, which needs the key and its permission."""
    from . import Push, fcm  # noqa: PLC0415 - see `lazy_names`
    from .account import read_account  # noqa: PLC0415

    account = read_account(FcmSettings())
    fcm().send(Push(title="check"), topic="check", dry_run=True)
    return f"project {account.project_id} takes messages"


def start() -> None:
    """A worker whose key cannot be used does not take jobs."""
    from .account import read_account  # noqa: PLC0415 - see `lazy_names`

    read_account(FcmSettings())


MODULE = Module(name="fcm", settings=FcmSettings, check=check, start=start, close=close)
