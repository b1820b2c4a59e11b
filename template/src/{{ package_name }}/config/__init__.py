"""Settings of the worker, read when asked for and never at import time."""

from .settings import LoggerConfig, Settings, SettingsError, load_settings

__all__ = ["LoggerConfig", "Settings", "SettingsError", "load_settings"]
