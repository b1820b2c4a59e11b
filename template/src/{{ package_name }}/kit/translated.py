"""Help in the worker's language."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from .answers import LANGUAGE
from .texts import say

_WORDS = (
    "ARGUMENTS_PANEL_TITLE",
    "OPTIONS_PANEL_TITLE",
    "COMMANDS_PANEL_TITLE",
    "ERRORS_PANEL_TITLE",
    "DEFAULT_STRING",
    "REQUIRED_LONG_STRING",
    "RICH_HELP",
)


class TranslatedGroup(TyperGroup):
    """The command line: what its commands and options say of themselves passes through `say`."""

    def make_context(self, *args: Any, **named: Any) -> Any:
        """Translate before anything is parsed: a wrong option shows help, too."""
        if LANGUAGE != "en":
            _translate_frame()
            _translate(self)
        return super().make_context(*args, **named)


def _translate(command: Any) -> None:
    command.help = say(command.help or "")
    for option in (*command.params, command.get_help_option(typer.Context(command))):
        option.help = say(getattr(option, "help", None) or "")
    for each in getattr(command, "commands", {}).values():
        _translate(each)


def _translate_frame() -> None:
    """What Typer itself writes around it; it has no setting for these words."""
    from typer import rich_utils  # noqa: PLC0415 - a worker in English loads it for help alone

    for name in _WORDS:
        setattr(rich_utils, name, say(getattr(rich_utils, name)))
