"""What runs inside Redis, in one step each."""

from __future__ import annotations

import re
from importlib.resources import files

_INCLUDE = re.compile(r"^-- include (\w+)\.lua\n", re.MULTILINE)


def load(name: str) -> str:
    """Return the source of a script.

    Args:
        name: Its file's name without `.lua`.
    """
    return _INCLUDE.sub(lambda found: _read(found[1]), _read(name))


def _read(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
