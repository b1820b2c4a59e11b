"""Files that git does not know and an update would overwrite."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from gen_worker.repository.git import git_list
from gen_worker.update.places import in_the_way
from gen_worker.update.plan import Plan

_ACTION = "overwrite, though git does not know it"


def with_strangers(plan: Plan) -> Plan:
    """Add to a plan's losses what stands, unknown to git, where new files go."""
    folder = plan.repository.folder
    tracked = set(git_list(folder, "ls-files", "-z"))
    new = [path for letter, path in plan.changes if letter == "A"]
    found = sorted({stranger for path in new if (stranger := _stranger(folder, path, tracked))})
    losses = plan.losses | dict.fromkeys(found, _ACTION)
    return replace(plan, losses=losses, strangers=found)


def _stranger(folder: Path, path: str, tracked: set[str]) -> str | None:
    """Return what stands where a new file will be, or where one of its folders will be."""
    place = folder / path
    parent = in_the_way(folder, path)
    if parent is not None:
        return parent if parent not in tracked else None
    if place.is_dir() and not place.is_symlink():  # git clears away what it knows
        return path if git_list(folder, "ls-files", "--others", "-z", "--", path) else None
    return path if os.path.lexists(place) else None
