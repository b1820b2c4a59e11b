"""Bizppurio as a module of the worker."""

from __future__ import annotations

from datetime import datetime

from ...module import Module
from . import bizppurio, close
from .settings import BizppurioSettings


class BizppurioModule(Module):
    """Lends the message client and the template client to jobs."""

    name = "bizppurio"
    settings = BizppurioSettings

    def check(self) -> str:
        """Get a token, as every message needs one. The caller's IP address must be allowed."""
        from .token import KST  # noqa: PLC0415 - see `lazy_names`

        settings = BizppurioSettings()
        token = bizppurio().transport.tokens.get()
        until = datetime.fromtimestamp(token.ends, KST)
        core = "core set" if settings.bizppurio_core_base_url else "core not set"
        return f"{settings.bizppurio_msg_base_url}, token until {until:%Y-%m-%d %H:%M} KST, {core}"

    def close(self) -> None:
        close()
