"""What Jinja compiled, kept for later runs: compiling takes longer than all else in one.

The file is code that a later run executes. It counts only if it and its folder belong to the user
and nobody else may write to them, wherever the user's cache folder lies. Without it all works.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import marshal
import os
import stat
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import CodeType

from gen_worker.errors import UpdateError

_MANY = 1000  # pieces of code; a template has about 100, versions of it share most
_LARGEST = 16_000_000  # bytes
# The code of a template depends on these modules beside the template's text.
_COMPILERS = ("jinja2.compiler", "jinja2_ansible_filters.core_filters", "gen_worker.template.jinja")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path:
    """Return the folder for what can be made again.

    Raises:
        UpdateError: No variable and no system entry says where the user's files are.
    """
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "gen-worker"
    try:
        return Path.home() / ".cache" / "gen-worker"
    except RuntimeError as error:
        raise UpdateError("There is no home folder for a cache; set XDG_CACHE_HOME.") from error


class CompiledTemplates:
    """Code by what it was compiled from: in memory, and in one file of a folder.

    Attributes:
        code: All code that is known; what is added is kept by `save`.
    """

    def __init__(self, folder: Path | None) -> None:
        """Read what earlier runs kept; without a folder nothing is kept."""
        self._file = folder / _file_name() if folder else None
        self._saved = _read(self._file) if self._file else {}
        self.code: dict[bytes, CodeType] = {}

    def get(self, key: bytes) -> CodeType | None:
        """Return the code of a key, None if there is none."""
        if key not in self.code and key in self._saved:
            self.code[key] = self._saved[key]
        return self.code.get(key)

    def save(self) -> None:
        """Keep what was added; a folder that takes nothing is no failure."""
        code = self.code.copy()  # other threads may be adding
        if self._file is None or code.keys() <= self._saved.keys():
            return
        older = self._saved if len(self._saved) < _MANY else {}
        self._saved = {**older, **code}
        with contextlib.suppress(OSError):
            _write(self._file, self._saved)


def key_of(*parts: object) -> bytes:
    """Return the key of what is compiled: its text, and what else the code depends on."""
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).digest()


def kept_code() -> CompiledTemplates:
    """Return the code that this process and the user's earlier runs compiled."""
    try:
        return _of_folder(cache_folder() / "compiled")
    except UpdateError:
        return _of_folder(None)


@cache
def _of_folder(folder: Path | None) -> CompiledTemplates:
    return CompiledTemplates(folder)


@cache
def _compilers() -> list[tuple[str, int]]:
    """Return the files of the programs that make the code, each with the time of its last change."""
    files = [str(importlib.import_module(name).__file__) for name in _COMPILERS]
    return [(file, os.stat(file).st_mtime_ns) for file in files]  # noqa: PTH116 - a path's text


def _file_name() -> str:
    """Name one file for each installation of Python and of these programs."""
    places = sys.version, [file for file, _ in _compilers()]
    return f"{hashlib.sha256(repr(places).encode()).hexdigest()[:16]}.bin"


def _is_private(state: os.stat_result, kind: int) -> bool:
    """Return whether something is of a kind, the user's own, and writable for nobody else."""
    own = state.st_uid == os.geteuid() and not state.st_mode & _OTHERS_WRITE
    return own and stat.S_IFMT(state.st_mode) == kind


def _read(file: Path) -> dict[bytes, CodeType]:
    """Read the code in a file; what cannot be trusted or is damaged holds none."""
    try:
        if not _is_private(os.lstat(file.parent), stat.S_IFDIR):
            return {}
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
            if not _is_private(os.fstat(opened.fileno()), stat.S_IFREG):
                return {}
            digest, data = opened.read(32), opened.read()
    except OSError:
        return {}
    if hashlib.sha256(data).digest() != digest:
        return {}
    compilers, code = marshal.loads(data)  # noqa: S302 - the user's own, as checked, and whole
    return dict(code) if compilers == _compilers() else {}


def _write(file: Path, code: Mapping[bytes, CodeType]) -> None:
    """Replace the file at once; several runs may do so at the same time."""
    data = marshal.dumps((_compilers(), dict(code)))
    if len(data) > _LARGEST:
        return
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(os.lstat(file.parent), stat.S_IFDIR):
        return
    hidden = file.with_name(f".{file.name}-{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(hidden, flags, 0o600), "wb") as opened:
            opened.write(hashlib.sha256(data).digest() + data)
        hidden.replace(file)
    finally:
        hidden.unlink(missing_ok=True)
