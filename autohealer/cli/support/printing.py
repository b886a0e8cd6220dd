"""Lines onto stdout: with glyphs and colours where people read them on a terminal, as bare text elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.terminals import is_styled
from autohealer.views.canvas import Pen
from autohealer.views.lines import plain

if TYPE_CHECKING:
    from autohealer.views.lines import Line


class Printing:
    """How stdout is written to, decided once."""

    def __init__(self) -> None:
        self.styled = is_styled()
        self._pen = Pen(sys.stdout.encoding, os.environ) if self.styled else None

    def print(self, lines: Iterable[Line]) -> None:
        """Print them all."""
        click.echo(self.text(lines))

    def text(self, lines: Iterable[Line]) -> str:
        """All of them, as stdout is to get them."""
        return "\n".join(plain(line) if self._pen is None else self._pen.write(line) for line in lines)
