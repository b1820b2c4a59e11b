"""Your own variables.

Add one here and in `.env.example`. All are checked when the worker starts; a processor that names
a parameter `settings: Settings` gets them. Values of type `SecretStr` stay out of logs and errors.
"""

from __future__ import annotations

from .kit import EnvSettings


class Settings(EnvSettings):
    """Read from the environment, then from `.env`."""
