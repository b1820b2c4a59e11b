"""What each preset renders to, and the program's help: `make golden` refreshes both, for review.

A golden file lists every path of the worker, and holds the content of each file in which
something is substituted. Files that are copied as they stand are reviewed in template/ itself;
of the rendered tests only the package's name differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gen_worker
from gen_worker.cli.app import command_line
from gen_worker.new.flags import Choices, answer
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Questionnaire
from gen_worker.template.render import render
from judging import CATALOG, TEMPLATE
from typer.main import get_command

HELP = Path(gen_worker.__file__).parent / "cli" / "help.txt"
FOLDER = Path(__file__).parent / "variants" / "golden"


def golden(preset: str) -> str:
    """Render a preset into one text.

    Args:
        preset: The preset.

    Returns:
        Its paths, then its substituted files.
    """
    renderer = Renderer(TEMPLATE)
    answers = answer(Choices(preset), TEMPLATE, CATALOG, Questionnaire(TEMPLATE, renderer))
    origin = {"_commit": "v0.0.0", "_src_path": "https://example.com/gen-worker.git"}
    files = sorted(render(TEMPLATE, renderer, answers, origin), key=lambda one: one.path.split("/"))
    copied = {path.relative_to(TEMPLATE.files_root) for path in _copied()}
    package = str(answers.values["package_name"])
    lines = [f"{'*' if file.executable else ' '} {file.path}\n" for file in files]
    for file in files:
        parts = file.path.split("/")
        plain = Path(*("{{ package_name }}" if one == package else one for one in parts))
        if plain not in copied and parts[0] != "tests":
            content = file.content.decode()
            lines.append(f"\n=== {file.path}\n{content}" + "\n" * (not content.endswith("\n")))
    return "".join(lines)


def rendered_help() -> str:
    """Let Typer render the help of the program for a terminal of 80 columns."""
    command = get_command(command_line())
    with command.make_context("gen-worker", [], resilient_parsing=True) as context:
        context.terminal_width = 78  # the formatter leaves two free
        return f"{command.get_help(context)}\n"


def _copied() -> list[Path]:
    """List the template's files in which nothing is substituted."""
    every = TEMPLATE.files_root.rglob("*")
    return [path for path in every if path.is_file() and path.suffix != TEMPLATE.suffix]


def main() -> None:
    """Write the golden file of every preset."""
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.txt"):
        stale.unlink()
    for preset in CATALOG.presets:
        (FOLDER / f"{preset}.txt").write_text(golden(preset))
    HELP.write_text(rendered_help())
    sys.stdout.write(f"{len(CATALOG.presets)} golden files written; look at git diff.\n")


if __name__ == "__main__":
    main()
