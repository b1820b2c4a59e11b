# ruff: noqa: INP001 - part of a script, no package
"""Build the documentation site: `docs/`, and a reference written from the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import documented_catalogue
import documented_commands
import documented_variables
from gen_worker.cli import app
from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from gen_worker.template.catalog import load_catalog, module_question
from gen_worker.template.definition import load_template

PROJECT = Path(__file__).resolve().parent.parent
BUILD = PROJECT / "build" / "docs"
PAGES = BUILD / "pages"


def main() -> None:
    """Write all pages and build the site. A warning of the generator is an error."""
    shutil.rmtree(BUILD, ignore_errors=True)
    copy_pages()
    worker = render_worker()
    sys.path.insert(0, str(worker / "src"))
    write_reference(worker)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=PROJECT, check=False)  # noqa: S603 - fixed words
    if done.returncode == 0:
        print(f"The site is in {BUILD.relative_to(PROJECT)}/site.")  # noqa: T201
    sys.exit(done.returncode)


def copy_pages() -> None:
    """Copy what is written by hand, without the comments that are meant for the tests."""
    shutil.copytree(PROJECT / "docs", PAGES)
    for page in PAGES.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        text = re.sub(r"^<!--.*?-->\n+", "", text, flags=re.MULTILINE | re.DOTALL)
        page.write_text(text, encoding="utf-8")


def render_worker() -> Path:
    """Render a worker with every module, whose code the reference is read from."""
    modules = load_catalog(load_template(PROJECT)).modules
    answers = [f"{module_question(name)}=true" for name in modules]
    request = Request(Choices("payment", settings=answers), BUILD, PROJECT, git=False)
    return create(request).target


def write_reference(worker: Path) -> None:
    """Write the pages that come from the code.

    Args:
        worker: A rendered worker, importable.
    """
    reference = PAGES / "reference"
    template = load_template(PROJECT)
    (reference / "catalogue.md").write_text(documented_catalogue.page(template), encoding="utf-8")
    (reference / "variables.md").write_text(documented_variables.page(worker), encoding="utf-8")
    from worker_payment.kit.cli import command_line  # noqa: PLC0415 - rendered a moment ago
    from worker_payment.worker import worker  # noqa: PLC0415 - composes it

    for name, typer_app, title in (
        ("gen-worker", app.command_line(), "gen-worker"),
        ("worker", command_line(), "The worker's commands"),
    ):
        program = "worker-payment" if name == "worker" else name
        text = documented_commands.page(typer_app, program, title)
        (reference / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
