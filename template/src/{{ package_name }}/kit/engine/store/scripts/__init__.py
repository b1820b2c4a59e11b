"""What runs inside Redis, in one step each."""

from __future__ import annotations

from importlib.resources import files

_TIME = "-- include time.lua\n"


def load(name: str) -> str:
    """Return the source of a script.

    Args:
        name: Its file's name without `.lua`.
    """
    return _read(name).replace(_TIME, _read("time"))


def _read(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
