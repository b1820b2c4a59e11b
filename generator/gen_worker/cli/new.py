"""The command that makes a repository."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from gen_worker.cli.console import catalog, echo, explained, say, template_root
from gen_worker.cli.options import refuse_together


def _complete_preset(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    for preset in catalog(ctx).presets.values():
        if preset.name.startswith(incomplete):
            yield preset.name, preset.title


def _complete_module(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    for module in catalog(ctx).modules.values():
        if module.name.startswith(incomplete):
            yield module.name, module.title


def _complete_setting(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    from gen_worker.template.definition import load_template
    from gen_worker.template.questionnaire import settable_questions

    for question in settable_questions(load_template(template_root(ctx))):
        if question.startswith(incomplete):
            yield f"{question}="


def new(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The worker's type, such as payment: lower-case letters, digits, hyphens.",
        ),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="PRESET",
            help="Where defaults come from: the preset called NAME, else blank.",
            autocompletion=_complete_preset,
        ),
    ] = None,
    with_modules: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="MODULE",
            help="Add a module, or several with commas; repeatable.",
            autocompletion=_complete_module,
        ),
    ] = None,
    without_modules: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="MODULE",
            help="Leave out a module of the preset; repeatable.",
            autocompletion=_complete_module,
        ),
    ] = None,
    concurrency: Annotated[
        str | None,
        typer.Option(
            "--concurrency", metavar="N", help="How many jobs one process runs at the same time."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="QUESTION=VALUE",
            help="Answer any other question; repeatable.",
            autocompletion=_complete_setting,
        ),
    ] = None,
    parent: Annotated[
        Path,
        typer.Option("--dir", metavar="PARENT", help="Where to make the folder worker-NAME."),
    ] = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Never ask; take the preset's values.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the files that would be written.")
    ] = False,
    no_git: Annotated[
        bool, typer.Option("--no-git", help="Make no git repository and no commit.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but warnings and errors.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; never ask.")
    ] = False,
) -> None:
    """Make ./worker-NAME."""
    if quiet:
        refuse_together("--quiet", {"--json": as_json})
    with explained(as_json=as_json):
        from gen_worker.cli.report_new import made_json, made_text
        from gen_worker.new.create import Request, create
        from gen_worker.new.flags import Choices

        choices = Choices(
            name,
            preset,
            with_modules=with_modules or (),
            without_modules=without_modules or (),
            concurrency=concurrency,
            settings=settings or (),
        )
        request = Request(choices, parent, template_root(ctx), dry_run=dry_run, git=not no_git)
        asker = None
        if _at_terminal() and not yes and not as_json:
            from gen_worker.new.prompts import TerminalAsker

            asker = TerminalAsker()
        made = create(request, asker)
        for warning in made.warnings:
            say("Warning", warning, "yellow")
        if as_json:
            echo(made_json(made))
        elif not quiet:
            echo(made_text(made))


def _at_terminal() -> bool:
    """Return whether somebody can be asked."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
