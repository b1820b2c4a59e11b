"""The files of a template on disk: listed once and read once, however often they are rendered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from gen_worker.errors import TemplateError


class Source:
    """A file of the template.

    Attributes:
        parts: Its path below the folder that becomes the repository.
        is_template: Whether something is substituted in it.
        executable: Its one mode bit that counts, as in git.
    """

    def __init__(self, entry: os.DirEntry[str], parts: tuple[str, ...], suffix: str) -> None:
        """Look at a file; it is read when it is needed."""
        self._place = entry.path
        self.parts = parts
        self.is_template = entry.name.endswith(suffix)
        self.executable = bool(entry.stat().st_mode & 0o111)

    def __str__(self) -> str:
        """Return its path."""
        return "/".join(self.parts)

    @cached_property
    def content(self) -> bytes:
        """Its bytes."""
        return Path(self._place).read_bytes()


def find_sources(
    folder: str | os.PathLike[str], suffix: str, inside: tuple[str, ...] = ()
) -> Iterator[Source]:
    """Yield every file below a folder, in a stable order.

    Args:
        folder: The folder.
        suffix: The ending of files in which something is substituted; such a file replaces one
            of the same name without it.
        inside: Where the folder lies below the first one.

    Raises:
        TemplateError: There is a link.
    """
    entries = sorted(os.scandir(folder), key=lambda found: found.name)
    names = {entry.name for entry in entries}
    for entry in entries:
        if entry.is_symlink():  # it could read the user's files
            raise TemplateError(f"The template holds a link: {entry.name}.")
        if entry.is_dir():
            yield from find_sources(entry.path, suffix, (*inside, entry.name))
        elif f"{entry.name}{suffix}" not in names:
            yield Source(entry, (*inside, entry.name), suffix)
