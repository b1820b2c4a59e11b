"""The rules of a worker's name, and the nearest name that keeps them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from gen_worker.errors import InvalidNameError

MAX_LENGTH = 40  # characters; the copier.yml validator holds the same number
_FOLDER_PREFIX = "worker-"  # added to every name; a name that has it is a mistake
_VALID = re.compile(r"[a-z](-?[a-z0-9])*")


def check_name(name: str, reserved: Mapping[str, Sequence[str]]) -> str:
    """Accept a worker's name or refuse it with a suggestion.

    Args:
        name: What the user typed.
        reserved: Names that may not be used, by the reason why ("Python keyword", ...).

    Raises:
        InvalidNameError: The name breaks a rule; the text says which and what would do.
    """
    problem = _problem(name, reserved)
    if problem is None and not name.startswith(_FOLDER_PREFIX):
        return name
    if problem is None:
        short = nearest_name(name, reserved) or "payment"
        raise InvalidNameError(
            f"{_shown(name)} would become {_FOLDER_PREFIX}{name}: run gen-worker {short}."
        )
    suggestion = nearest_name(name, reserved)
    hint = f'Try "{suggestion}".' if suggestion else 'For example "payment".'
    raise InvalidNameError(f"{_shown(name)} cannot name a worker: {problem}. {hint}")


def nearest_name(name: str, reserved: Mapping[str, Sequence[str]]) -> str | None:
    """Find the valid name that is nearest to an invalid one.

    Args:
        name: What the user typed.
        reserved: Names that may not be used, by reason.

    Returns:
        A name that `check_name` accepts, or None when nothing of the input can be kept.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)  # orderSync -> order-Sync
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    hyphened = re.sub(r"[^a-z0-9]+", "-", plain)
    candidate = re.sub(rf"^([^a-z]+|{_FOLDER_PREFIX})+", "", hyphened)[:MAX_LENGTH].rstrip("-")
    if candidate and _problem(candidate, reserved) is not None:
        candidate = f"{candidate}-jobs"
    return candidate if candidate and _problem(candidate, reserved) is None else None


def _problem(name: str, reserved: Mapping[str, Sequence[str]]) -> str | None:
    """Return which rule a name breaks, or None."""
    if not name:
        return "it is empty"
    if len(name) > MAX_LENGTH:
        return f"it has {len(name)} characters and at most {MAX_LENGTH} are allowed"
    if not _VALID.fullmatch(name):
        return "it needs lower-case letters, digits and single hyphens, starting with a letter"
    for reason, names in reserved.items():
        if name in names:
            return f"it is a {reason}"
    return None


def _shown(name: str) -> str:
    """Quote a name so that control characters and endless input stay readable."""
    limit = MAX_LENGTH * 2
    shortened = name if len(name) <= limit else f"{name[:limit]}..."
    if not shortened.isprintable():
        shortened = shortened.encode("unicode_escape").decode("ascii")
    return f'"{shortened}"'
