"""Lines and tables onto stdout: with glyphs and colours where people read them on a terminal, else bare ASCII text."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from autohealer.cli.support.terminals import is_styled
from autohealer.views.rendering import WIDEST, Part, rendered


class Printing:
    """How stdout is written to, decided once."""

    def __init__(self) -> None:
        self.styled = is_styled()

    def print(self, parts: Iterable[Part], width: int = WIDEST) -> None:
        """Print them all."""
        click.echo(self.text(parts, width))

    def text(self, parts: Iterable[Part], width: int = WIDEST) -> str:
        """All of them, as stdout is to get them."""
        encoding = sys.stdout.encoding if self.styled else "ascii"
        return rendered(parts, styled=self.styled, encoding=encoding, width=width)
