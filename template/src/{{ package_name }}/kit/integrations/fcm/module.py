"""Firebase Cloud Messaging as a module of the worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...module import Module
from . import close
from .settings import FcmSettings


class FcmModule(Module):
    """Lends the push client to jobs."""

    name = "fcm"
    settings = FcmSettings

    def start(self) -> None:
        """Refuse a key that cannot be used before the first job is taken."""
        from .account import read_account  # noqa: PLC0415 - see `lazy_names`

        read_account(FcmSettings())

    def check(self) -> str:
        """Have Firebase check a message to a topic, which needs the key and its permission."""
        from . import Push, fcm  # noqa: PLC0415 - see `lazy_names`
        from .account import read_account  # noqa: PLC0415

        account = read_account(FcmSettings())
        fcm().send(Push(title="check"), topic="check", dry_run=True)
        return f"project {account.project_id} takes messages"

    def close(self) -> None:
        close()

    def prepare_test(self, folder: Path) -> Mapping[str, str]:
        from .testing import prepare  # noqa: PLC0415

        return prepare(folder)
