"""Settings of the worker, read when asked for and never at import time."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .fields import EnvSettings, SettingsError
    from .settings import LoggerConfig, Settings, load_settings, variables

__all__ = [
    "EnvSettings",
    "LoggerConfig",
    "Settings",
    "SettingsError",
    "load_settings",
    "variables",
]

# A composition needs the base class of settings, and the settings need the composition.
__getattr__ = lazy_names(
    __name__,
    {
        "fields": ("EnvSettings", "SettingsError"),
        "settings": ("LoggerConfig", "Settings", "load_settings", "variables"),
    },
)
