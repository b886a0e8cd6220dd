"""The kinds of values that options have, as click asks for them."""

from __future__ import annotations

import shlex
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from autohealer.config.kinds import Choice, FilePath, Kind, SignalNumber

T = TypeVar("T")
SIGNALS = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL")


class Value(click.ParamType[T]):
    """A value of this kind; what is no text has been converted already."""

    def __init__(self, kind: Kind[T]) -> None:
        self.kind = kind
        self.name = kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """The value, or a usage error that says what would make sense."""
        if not isinstance(value, str):
            converted: T = value
            return converted
        try:
            return self.kind.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def split_envvar_value(self, rv: str) -> list[str]:
        """Several values in one variable: parted by blanks, and quoted as for a shell where they hold some."""
        try:
            return shlex.split(rv)
        except ValueError:  # a quotation that is not closed: the text as it is, which is then refused or taken
            return rv.split()

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """What a shell offers."""
        if isinstance(self.kind, FilePath):
            return [CompletionItem(incomplete, type="dir" if self.kind.name == "DIRECTORY" else "file")]
        words = self.kind.words if isinstance(self.kind, Choice) else ()
        if isinstance(self.kind, SignalNumber):
            # Most people know them with SIG before them, which may be left out.
            words = tuple(f"SIG{name}" for name in SIGNALS) if incomplete.upper().startswith("S") else SIGNALS
        return [CompletionItem(word) for word in words if word.lower().startswith(incomplete.lower())]
