"""A Typer group that runs its default command when no command is named.

`gen-worker payment` and `gen-worker --dry-run payment` mean the command that makes a worker;
`gen-worker --help` shows that command's arguments and options as if they were its own.
"""

from __future__ import annotations

from typing import Any

from typer import Context

from gen_worker.cli.command import Command, Group

DEFAULT = "new"


class DefaultCommand(Command):
    """The command that needs no name; its usage and errors do not show one."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Make a context that looks like the program itself.

        Args:
            info_name: The command's own name, which nobody typed.
            args: The command line.
            parent: The group's context.
            **extra: Passed on.
        """
        name = parent.info_name if parent else info_name
        return super().make_context(name, args, obj=parent.obj if parent else None, **extra)


class DefaultCommandGroup(Group):
    """The program: a default command and a few named ones."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name before arguments that name no command.

        Returns:
            What the group leaves to its commands.
        """
        own_options = {option for param in self.get_params(ctx) for option in param.opts}
        if args and args[0] not in self.commands and args[0] not in own_options:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Show the two forms of the command line."""
        formatter.write_usage(ctx.command_path, "NAME [OPTIONS]")
        formatter.write_usage(ctx.command_path, "COMMAND [OPTIONS]", prefix=" " * len("Usage: "))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Show the default command's options with the program's own, then the commands."""
        default = self.commands[DEFAULT]
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Program": []}
        for param in default.get_params(Context(default, info_name=ctx.info_name)):
            record = param.get_help_record(ctx)
            if param.param_type_name == "argument":
                sections["Arguments"].append((str(param.metavar), str(getattr(param, "help", ""))))
            elif record and "--help" not in param.opts:
                sections["Options"].append(record)
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                sections["Program"].append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
        self.format_commands(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete commands and, since no command need be named, the default's options.

        Args:
            ctx: The program's context.
            incomplete: What was typed so far.
        """
        default = self.commands[DEFAULT]
        options = default.shell_complete(Context(default, info_name=ctx.info_name), incomplete)
        known = {item.value for item in options}
        own = super().shell_complete(ctx, incomplete)
        return [*options, *(item for item in own if item.value not in known)]
