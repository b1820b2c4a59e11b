"""Help in the worker's language."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperGroup

from .answers import LANGUAGE
from .texts import say

_FRAME = "rich_utils"  # Typer's module that draws help and errors
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
            if _FRAME in vars(typer):
                _translated_frame(_FRAME)
            else:
                # Typer imports it when there is something to draw. It brings rich, which would take
                # as long as half of a quick command.
                vars(typer).setdefault("__getattr__", _translated_frame)
            _translate(self)
        return super().make_context(*args, **named)


def _translate(command: Any) -> None:
    command.help = say(command.help or "")
    for option in (*command.params, command.get_help_option(typer.Context(command))):
        option.help = say(getattr(option, "help", None) or "")
    for each in getattr(command, "commands", {}).values():
        _translate(each)


def _translated_frame(name: str) -> ModuleType:
    """Load what Typer itself writes around the help; it has no setting for these words."""
    if name != _FRAME:
        raise AttributeError(f"module {typer.__name__!r} has no attribute {name!r}")
    frame = import_module(f"{typer.__name__}.{name}")
    for word in _WORDS:
        setattr(frame, word, say(getattr(frame, word)))
    return frame
