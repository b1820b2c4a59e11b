"""The command line. Everything slow is imported by the command that needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gen_worker import cli_update
from gen_worker.default_command import DEFAULT, DefaultCommand, DefaultCommandGroup
from gen_worker.shell import SETTINGS, explained, say, template_root

if TYPE_CHECKING:
    from gen_worker.catalog import Catalog

app = typer.Typer(
    cls=DefaultCommandGroup,
    context_settings=SETTINGS,
    rich_markup_mode=None,  # rich would double the start-up time
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


def main(template: Path | None = None) -> None:
    """Run the program.

    Args:
        template: The template to use; the generator's own when not given.
    """
    app(prog_name="gen-worker", obj=template)


def _catalog(ctx: typer.Context) -> Catalog:
    from gen_worker.catalog import load_catalog
    from gen_worker.template import load_template

    return load_catalog(load_template(template_root(ctx)))


# --- Completion ------------------------------------------------------------------------------
def _complete_preset(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    for preset in _catalog(ctx).presets.values():
        if preset.name.startswith(incomplete):
            yield preset.name, preset.title


def _complete_module(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    for module in _catalog(ctx).modules.values():
        if module.name.startswith(incomplete):
            yield module.name, module.title


def _complete_setting(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    from gen_worker.answers import settable_questions
    from gen_worker.template import load_template

    for question in settable_questions(load_template(template_root(ctx))):
        if question.startswith(incomplete):
            yield f"{question}="


# --- Commands --------------------------------------------------------------------------------
def _print_version(value: bool) -> None:
    if value:
        from gen_worker.version import version

        typer.echo(f"gen-worker {version()}")
        raise typer.Exit


@app.callback()
def program(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Make a standalone git repository that holds one background worker, ready to run.

    \b
    Example:
      gen-worker payment                        make ./worker-payment
      gen-worker billing --preset payment       the same kind under another name
      gen-worker list                           see presets and modules

    On a terminal it asks for what no option says. --yes takes the preset's values.
    """


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, context_settings=SETTINGS)
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
    with explained(as_json=as_json):
        from gen_worker.answers import Choices
        from gen_worker.create import Request, create
        from gen_worker.report import made_json, made_text

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
        if sys.stdin.isatty() and sys.stdout.isatty() and not yes and not as_json:
            from gen_worker.prompts import TerminalAsker

            asker = TerminalAsker()
        made = create(request, asker)
    for warning in made.warnings:
        say("Warning", warning, "yellow")
    if as_json:
        typer.echo(made_json(made))
    elif not quiet:
        typer.echo(made_text(made))


@app.command("list", context_settings=SETTINGS)
def list_catalog(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the presets and modules."""
    with explained(as_json=as_json):
        from gen_worker.report import catalog_json, catalog_text

        catalog = _catalog(ctx)
    typer.echo(catalog_json(catalog) if as_json else catalog_text(catalog))


# --- The life of a repository --------------------------------------------------------------------
app.command("update", context_settings=SETTINGS)(cli_update.update)
app.command("add", context_settings=SETTINGS)(cli_update.add)
app.command("remove", context_settings=SETTINGS)(cli_update.remove)
app.command("diff", context_settings=SETTINGS)(cli_update.diff)
app.command("status", context_settings=SETTINGS)(cli_update.status)
