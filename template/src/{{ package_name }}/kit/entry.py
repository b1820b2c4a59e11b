"""The first lines that run, before anything heavy is imported."""

from __future__ import annotations

import gc
import signal
import sys
from importlib import import_module
from types import FrameType

from .process.exit_codes import ExitCode


def start(composition: str) -> None:
    """Answer a health check at once; hand everything else to the command line.

    Args:
        composition: The module that composes the worker.
    """
    # The kernel drops signals for which process 1 of a container has no handler. Without this one
    # a stop during the first moments would be lost, and the worker killed when patience ends.
    signal.signal(signal.SIGTERM, _leave)
    arguments = sys.argv[1:]
    if arguments in (["health"], ["health", "--ready"]):
        from .process.probe import probe  # noqa: PLC0415 - only when it is asked for

        sys.exit(probe(ready="--ready" in arguments))
    # What is imported stays, so looking for garbage in it, now or later, is in vain: it took the
    # seventh part of a start.
    gc.disable()
    from .cli import main  # noqa: PLC0415

    import_module(composition)
    gc.freeze()
    gc.enable()
    main()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Nothing has been taken yet, so there is nothing to give back."""
    sys.exit(ExitCode.TERMINATED)
