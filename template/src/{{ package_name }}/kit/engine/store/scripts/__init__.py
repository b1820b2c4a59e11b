"""What runs inside Redis, in one step each."""

from __future__ import annotations

from importlib.resources import files


def load(name: str) -> str:
    """Return the source of a script.

    Args:
        name: Its file's name without `.lua`.
    """
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
