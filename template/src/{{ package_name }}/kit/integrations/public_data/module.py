"""Korean public data as a module of the worker."""

from __future__ import annotations

from ...module import Module
from . import close
from .settings import PublicDataSettings


class PublicDataModule(Module):
    """Lends the client of the open-data gateway to jobs."""

    name = "public-data"
    settings = PublicDataSettings

    def check(self) -> str:
        """Reach the gateway, without spending a call of any quota."""
        from ..vendor_http import VendorHttp  # noqa: PLC0415 - see `lazy_names`

        settings = PublicDataSettings()
        http = VendorHttp(settings.base_url, settings.timeout / 1000)
        try:
            status = http.request("GET", "/").status
        finally:
            http.close()
        if status >= 500:
            raise ConnectionError(f"{settings.base_url} answered HTTP {status}")
        key = (
            "service key set" if settings.service_key else "no service key: pass one with each call"
        )
        return f"{settings.base_url} answers, {key}"

    def close(self) -> None:
        close()
