"""The writer of clients, which the template holds for its workers: no worker is needed to run it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, Protocol, cast

from gen_worker.errors import TemplateError
from gen_worker.template.definition import load_template

_FOLDER = "src/*/kit/contracts/clients"
_NAME = "_gen_worker_clients"


class ClientFiles(Protocol):
    """What the template's `files.py` offers."""

    StaleClientError: type[Exception]

    def refresh(
        self, document: object, language: str, out: Path, *, pydantic: bool, check: bool
    ) -> str:
        """Write the client of a contract, or compare it."""


def client_files(root: Path) -> ClientFiles:
    """Load the template's writer of clients.

    Args:
        root: The folder that holds copier.yml.

    Raises:
        TemplateError: The template has none.
    """
    folder = next(load_template(root).files_root.glob(_FOLDER), None)
    if folder is None:
        raise TemplateError("The template cannot write clients; install a newer gen-worker.")
    # Under a name of its own: the folder's own name holds braces, and it is nobody's package.
    spec = importlib.util.spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    package: Any = importlib.util.module_from_spec(cast("Any", spec))
    sys.modules[_NAME] = package
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no file beside the template's
    try:
        return cast("ClientFiles", importlib.import_module(f"{_NAME}.files"))
    finally:
        sys.dont_write_bytecode = writes
