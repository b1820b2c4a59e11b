"""Stands in for the database server: a SQLite file that goes with the demo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serve(folder: Path) -> Iterator[dict[str, str]]:
    """See `standins`."""
    main = {"dbms": "sqlite", "database": str(folder / "demo.sqlite3")}
    yield {"DATABASE_CONFIG": json.dumps({"instances": {"MAIN": main}})}
