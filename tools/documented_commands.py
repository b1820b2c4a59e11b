# ruff: noqa: INP001 - part of a script, no package
"""The reference of a command line, from its Typer application."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

ABOUT = {
    "gen-worker": "Whatever it says with `--help`, on one page.",
    "worker-payment": (
        "The commands of a generated repository, here `worker-payment` with every module. Without\n"
        "a module its commands are missing. It is in `.venv/bin/`, or `python -m worker_payment`."
    ),
}


def page(app: typer.Typer, program: str, title: str) -> str:
    """Write the page of one program.

    Args:
        app: Its application.
        program: What it is called on the command line.
        title: The page's heading.
    """
    root: Any = typer.main.get_command(app)
    parts = [f"# {title}", ABOUT[program]]
    for name, command in _commands(root, program):
        shown = f"{name} NAME" if command.hidden else name
        parts += [f"## {shown}" if command is not root else "", *_describe(command, name)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command with its full name, the program first; groups that only group are left out."""
    children = getattr(command, "commands", {})
    if not children or " " not in name:
        yield name, command
    for child_name, child in children.items():
        # The default command is typed without its name.
        yield from _commands(child, name + ("" if child.hidden else f" {child_name}"))


def _describe(command: Any, name: str) -> Iterator[str]:
    if command.help:
        yield _prose(inspect.cleandoc(command.help))
    context = command.make_context(name, [], resilient_parsing=True)
    if not getattr(command, "commands", {}):
        arguments = filter(None, map(_argument, command.params))
        yield f"```text\n{' '.join([name, '[OPTIONS]', *arguments])}\n```"
    rows = [row for each in command.params if (row := _row(each, context))]
    if rows:
        yield "\n".join(["| option | |", "| --- | --- |", *rows])


def _prose(text: str) -> str:
    r"""Markdown of a help text: a block that begins with \b keeps its lines."""
    parts = []
    for paragraph in text.split("\n\n"):
        head, _, rest = paragraph.partition("\n")
        parts.append(f"```text\n{rest}\n```" if head.strip() == "\b" else paragraph)
    return "\n\n".join(parts)


def _argument(parameter: Any) -> str:
    """How an argument shows in the usage line; nothing for an option."""
    if parameter.param_type_name != "argument":
        return ""
    name = (parameter.metavar or parameter.name.upper()).strip("[].")
    several = "..." if parameter.nargs == -1 else ""
    return name + several if parameter.required else f"[{name}]{several}"


def _row(parameter: Any, context: Any) -> str | None:
    record = parameter.get_help_record(context)
    if record is None:  # hidden
        return None
    name, text = record
    if parameter.param_type_name == "argument":
        name = _argument(parameter)
    name = re.sub(r"<(\w+) range>", r"<\1>", name)
    return f"| `{_cell(name)}` | {_cell(text or '')} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
