"""The rendered worker that the tests of the kit run against.

It has every module. A test of one variant names another one by `KIT_WORKER`.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from gen_worker.new.flags import Choices
from gen_worker.template.catalog import module_question
from judging import CATALOG, PROJECT, bring_up_to_date, render_choices

_FOLDER = PROJECT / "build" / "kit" / "worker-payment"
_VARIABLE = "KIT_WORKER"


def kit_worker() -> Path:
    """Return the folder of the worker under test."""
    return Path(os.environ.get(_VARIABLE, _FOLDER))


def refresh() -> None:
    """Bring the rendered worker up to date."""
    if _VARIABLE in os.environ:
        return
    settings = [f"{module_question(name)}=true" for name in CATALOG.modules]
    bring_up_to_date(_FOLDER, render_choices(Choices("payment", settings=settings)))


def make_importable() -> None:
    """Let tests import the worker's package."""
    sys.path.insert(0, str(kit_worker() / "src"))


def lend_compiled(worker: Path) -> None:
    """Give a rendered worker what Python has compiled of the same files here.

    Python takes it for a file of the same size and time; most files of two workers are the same.
    """
    (source,) = kit_worker().glob("src/*")
    (package,) = worker.glob("src/*")
    for compiled in source.rglob(f"__pycache__/*.{sys.implementation.cache_tag}.pyc"):
        place = compiled.relative_to(source)
        name = place.parent.parent / f"{compiled.name.partition('.')[0]}.py"
        known, file = source / name, package / name
        if not (file.is_file() and known.is_file()):
            continue
        times, own = known.stat(), file.stat()
        if (own.st_mtime_ns, own.st_size) == (times.st_mtime_ns, times.st_size):
            if (package / place).exists():
                continue
        elif file.read_bytes() != known.read_bytes():
            continue
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        (package / place).parent.mkdir(exist_ok=True)
        shutil.copyfile(compiled, package / place)
