"""A command as click needs it; what it does is a function of another module, imported when the command runs."""

from __future__ import annotations

import gc
import re
from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from autohealer.cli import module_name
from autohealer.cli.support import shell_complete
from autohealer.cli.support.shell_complete import BEHIND
from autohealer.cli.support.where import WHERE_NAMES, where_of

NEGATIVE = frozenset("0123456789.")


class CliCommand(click.Command):
    """The command of this name: its help, its parameters.

    It is carried out by ``run`` in ``autohealer.cli.NAME`` (or below another ``home``), which gets the parameters by
    their names; those that say which pool or ZooKeeper is meant come as one ``where``. A function of many parameters
    gets the others as one ``given``, a Struct of its module.
    """

    def __init__(
        self, name: str, text: str, *params: click.Parameter, home: str = "autohealer.cli", trailing: str = ""
    ) -> None:
        """``text``: one sentence, examples indented after an empty line, the rest.

        ``trailing``: the parameter that gets what follows ``--``, untouched, as a tuple.
        """
        super().__init__(name, params=list(params), help=with_examples(text))
        self.body = f"{home}.{module_name(name)}"
        self.trailing = trailing

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Part what follows ``--`` before click sees it, and take a negative number for what it is."""
        if self.trailing:
            cut = args.index("--") if "--" in args else len(args)
            ctx.params[self.trailing] = tuple(args[cut + 1 :])
            ctx.meta[BEHIND] = cut < len(args)
            args = args[:cut]
        if "--" not in args and (at := _negative_number(args)) is not None:
            args = [*args[:at], "--", *args[at:]]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> int:
        """Carry it out; the exit code."""
        module, given = import_module(self.body), self.arguments(ctx)
        run = module.run
        if (struct := run.__annotations__.get("given")) is not None:
            where = {"where": given.pop("where")}
            given = {**where, "given": getattr(module, struct)(**given)}
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        code: int = run(**given)
        return code

    def arguments(self, ctx: click.Context) -> dict[str, object]:
        """What the function gets."""
        given = {name: value for name, value in ctx.params.items() if name not in WHERE_NAMES}
        if given.keys() != ctx.params.keys():
            given["where"] = where_of(ctx)
        return given

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Behind ``--`` it is another command: a program first, then files."""
        if not ctx.meta.get(BEHIND):
            return super().shell_complete(ctx, incomplete)
        programs = [] if ctx.params[self.trailing] else shell_complete.programs(incomplete)
        return [CompletionItem(name) for name in programs] or [CompletionItem(incomplete, type="file")]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line."""
        return [*super().collect_usage_pieces(ctx), *(["[-- CMD...]"] if self.trailing else [])]


def with_examples(text: str) -> str:
    """The help text as click wants it, from one whose lines after the first are indented by four.

    Paragraphs that are indented further are examples, which are not to be filled: click looks for a backspace there.
    """
    paragraphs = re.sub("^ {4}", "", text, flags=re.MULTILINE).strip().split("\n\n")
    return "\n\n".join(f"\b\n{one}" if one.startswith("  ") else one for one in paragraphs)


def _negative_number(args: Sequence[str]) -> int | None:
    """Where the first argument is that only looks like an option; an option's value does not."""
    for at, word in enumerate(args):
        is_value = at > 0 and args[at - 1].startswith("-")
        if word.startswith("-") and len(word) > 1 and NEGATIVE.issuperset(word[1:]) and not is_value:
            return at
    return None
