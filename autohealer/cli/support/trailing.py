"""Commands that take another command behind ``--``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autohealer.processes.launch.command import Command


class TrailingCommand(click.Command):
    """What follows ``--`` is the other command, untouched: the parameter ``argv``, empty where there is none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Part the two before click sees them."""
        cut = args.index("--") if "--" in args else len(args)
        ctx.params["argv"] = tuple(args[cut + 1 :])
        return super().parse_args(ctx, args[:cut])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- CMD...]"]


def resolved(argv: tuple[str, ...]) -> Command | None:
    """The command as it will be executed, or None. UsageError where it cannot be."""
    import os  # noqa: PLC0415 - not for --help

    from autohealer.processes.launch.command import resolve_command  # noqa: PLC0415

    return resolve_command(argv, os.environ, os.getcwd()) if argv else None  # noqa: PTH109
