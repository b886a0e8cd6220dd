"""Lines and tables into text, by rich: with colours where people read it on a terminal, bare elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autohealer.views.lines import Line, Span, clean
from autohealer.views.palette import ASCII, STYLES

WIDEST = 2000
"""As good as no limit: a table that is wider than the terminal is wrapped there, and whole in a file."""

Part = Line | Table


class Heading(NamedTuple):
    """What stands above a column."""

    title: str
    to_right: bool = False


def table(headings: Sequence[Heading], rows: Iterable[Sequence[Span]]) -> Table:
    """Columns as wide as what is in them."""
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=STYLES["title"])
    for heading in headings:
        made.add_column(heading.title, justify="right" if heading.to_right else "left", no_wrap=True)
    for row in rows:
        made.add_row(*(Text(clean(text), STYLES[style]) for text, style in row))
    return made


def rendered(
    parts: Iterable[Part], *, styled: bool, encoding: str | None = "utf-8", environ: Mapping[str, str] = os.environ,
    width: int = WIDEST,
) -> str:  # fmt: skip
    """All of it; without ``styled`` there is nothing but the text. What the encoding cannot say has a stand-in."""
    console = Console(
        file=StringIO(), width=width, force_terminal=styled, color_system="standard" if styled else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False, _environ=environ,
    )  # fmt: skip
    with console.capture() as captured:
        for part in parts:
            console.print(part if isinstance(part, Table) else _text(part), soft_wrap=not isinstance(part, Table))
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    if (encoding or "").lower().startswith("utf"):
        return text
    return text.translate(ASCII).encode("ascii", "replace").decode()


def _text(line: Line) -> Text:
    return Text.assemble(*((text, STYLES[style]) for text, style in line), no_wrap=True, end="\n")
