"""Settings of the worker, read when asked for and never at import time."""

from .fields import SettingsError
from .settings import LoggerConfig, Settings, load_settings, variables

__all__ = ["LoggerConfig", "Settings", "SettingsError", "load_settings", "variables"]
