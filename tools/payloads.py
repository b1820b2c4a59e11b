# ruff: noqa: INP001 - a script for whoever keeps the template
"""Note the payloads of every example: `python tools/payloads.py`.

Renders each variant and writes what its `schema` prints to partials/payloads, from where a new
repository gets its payloads.json.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import copier

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "partials" / "payloads"
PACKAGE = "worker_x"
ANSWERS = {  # what was rendered -> what is rendered anew in each repository
    PACKAGE: "{{ package_name }}",
    '"worker": "x"': '"worker": "{{ worker_type }}"',
    '"queue": "x"': '"queue": "{{ queue_name }}"',
}

MESSAGING = {"with_mail": True, "with_bizppurio": True, "with_fcm": True}
VARIANTS: dict[str, dict[str, object]] = {
    "payment_plain": {"preset": "payment", "with_database": False},
    "payment_database": {"preset": "payment", "with_database": True},
    "public_data_plain": {"preset": "public-data", "with_public_data": False},
    "public_data_full": {"preset": "public-data", "with_database": False},
    "public_data_database": {"preset": "public-data", "with_database": True},
    "notification_plain": {"preset": "notification", "with_mail": False},
    "notification_full": {"preset": "notification"} | MESSAGING,
    "batch": {"preset": "batch"},
    "example": {"preset": "blank"},
}


def main() -> None:
    """Write one file per variant."""
    TARGET.mkdir(exist_ok=True)
    for name, answers in VARIANTS.items():
        placeholder = TARGET / f"{name}.json"
        if not placeholder.exists():
            placeholder.write_text("{}")
        with tempfile.TemporaryDirectory() as folder:
            copier.run_copy(
                str(ROOT),
                folder,
                data={"worker_type": "x"} | answers,
                defaults=True,
                quiet=True,
                vcs_ref="HEAD",
                settings=copier.Settings(),
            )
            found = subprocess.run(  # noqa: S603 - our own arguments
                [sys.executable, "-m", PACKAGE, "schema"],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(Path(folder) / "src")},
                capture_output=True,
                text=True,
                check=True,
            ).stdout.rstrip("\n")
        for made, answer in ANSWERS.items():
            found = found.replace(made, answer)
        placeholder.write_text(found)
        print(name)  # noqa: T201


if __name__ == "__main__":
    main()
