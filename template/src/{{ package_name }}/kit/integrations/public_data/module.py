"""Korean public data as a module of the worker."""

from __future__ import annotations

from .. import Module
from . import close
from .settings import PublicDataSettings


def check() -> str:
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
    key = "service key set" if settings.service_key else "no service key: pass one with each call"
    return f"{settings.base_url} answers, {key}"


MODULE = Module(name="public-data", settings=PublicDataSettings, check=check, close=close)
