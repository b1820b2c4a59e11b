"""Settings of the worker, read when asked for and never at import time."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .dotenv import SettingsError
    from .fields import EnvSettings
    from .settings import LoggerConfig, Settings, load_settings, variables

__all__ = [
    "EnvSettings",
    "LoggerConfig",
    "Settings",
    "SettingsError",
    "load_settings",
    "variables",
]

# `health` reads `.env` with this package, and must not pay for pydantic; and a composition needs
# the base class of settings, which need the composition.
__getattr__ = lazy_names(
    __name__,
    {
        "dotenv": ("SettingsError",),
        "fields": ("EnvSettings",),
        "settings": ("LoggerConfig", "Settings", "load_settings", "variables"),
    },
)
