"""Options that several commands share, and the refusal of options that do not go together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Offline = Annotated[
    bool, typer.Option("--offline", help="Use only the versions that came with gen-worker.")
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Replace or delete files you edited if the template replaces them."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="VERSION", help="Target version. Default: the one of this gen-worker."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="QUESTION=VALUE", help="Answer a question; repeatable."),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="Repositories to work on at the same time."),
]
Repository = Annotated[
    Path, typer.Argument(metavar="REPOSITORY", help="The repository. Default: this folder.")
]


def refuse_together(option: str, others: Mapping[str, Any]) -> None:
    """Refuse options that have no effect beside another one.

    Args:
        option: The option that was given.
        others: The options it excludes, each with its value; a true value counts as given.

    Raises:
        typer.BadParameter: One of the others was given too.
    """
    for other, given in others.items():
        if given:
            raise typer.BadParameter(f"{option} and {other} exclude each other.")
