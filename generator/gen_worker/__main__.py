"""The program: `gen-worker`, and `python -m gen_worker`."""

from __future__ import annotations

import gc
import shutil
import sys
from pathlib import Path

_HELP = Path(__file__).parent / "cli" / "help.txt"  # as Typer renders it; a test holds that
_WIDTH = 80  # of that file, in columns
_YOUNG = 200_000  # objects before Python looks for garbage; a quick command makes hardly any


def main(template: Path | None = None) -> None:
    """Run the program.

    Args:
        template: The template to use; the generator's own when not given.
    """
    gc.set_threshold(_YOUNG)
    if sys.argv[1:] in (["--help"], ["-h"]) and _show_help():
        return
    from gen_worker.cli.app import main as run  # noqa: PLC0415 - loads longer than a help may take

    run(template)


def _show_help() -> bool:
    """Print the help; return whether it was, or is left to Typer, which folds and explains."""
    if sys.stdout is None or shutil.get_terminal_size().columns < _WIDTH:
        return False
    try:
        sys.stdout.write(_HELP.read_text(encoding="utf-8"))
        sys.stdout.flush()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
