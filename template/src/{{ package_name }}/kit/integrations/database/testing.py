"""A database for tests: SQLite files with every migration applied."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

from ...config.settings import Settings
from . import schema
from .instances import Instances
from .settings import DatabaseConfig, DatabaseSettings, InstanceConfig


def prepare(folder: Path) -> dict[str, str]:
    """Copy a migrated database into a folder.

    Args:
        folder: Of one test.

    Returns:
        The variables that lead the worker to it.
    """
    instances = {}
    for name in schema.used_instances():
        file = folder / f"{name}.sqlite3"
        shutil.copy(_migrated(name), file)
        instances[name] = {"dbms": "sqlite", "database": str(file)}
    return {"DATABASE_CONFIG": json.dumps({"instances": instances})}


@cache
def _migrated(name: str) -> Path:
    """Apply the migrations once per process: each test starts with a copy."""
    folder = Path(tempfile.mkdtemp(prefix="worker-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "migrated.sqlite3"
    one = InstanceConfig(dbms="sqlite", database=str(file))
    config = DatabaseConfig(instances={"MAIN": one, name: one})
    shared = Instances(DatabaseSettings(database_config=config), Settings())
    schema.upgrade(shared, name)
    shared.dispose()
    return file
