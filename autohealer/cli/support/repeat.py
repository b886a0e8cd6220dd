"""``status --watch``: the same again and again, in place on a terminal, elsewhere each time that it has changed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.printing import Printing
from autohealer.cli.support.status_text import said_last
from autohealer.cli.support.terminals import can_draw, in_order
from autohealer.views.listing import status_lines

if TYPE_CHECKING:
    from autohealer.cli.support.pool import PoolAddress
    from autohealer.views.status import Status

LOOK_S = 1.0
SIZE = frozenset({"COLUMNS", "LINES"})


def watch_status(address: PoolAddress, look: Callable[[], Status], *, as_json: bool) -> int:
    """Until Ctrl-C, or until nobody is left to ask."""
    printing = Printing()

    def text(found: Status) -> str:
        said = said_last(address, found)
        return printing.text(status_lines(found, time.time(), glyphs=printing.styled, said=said))

    if not as_json and can_draw():
        with in_order():
            _draw(lambda: text(look()))
    former = None
    while True:
        found = look()
        if found != former:
            shown = json.dumps(msgspec.to_builtins(found)) if as_json else text(found)
            click.echo(shown if as_json or former is None else f"\n{shown}")
            former = found
        time.sleep(LOOK_S)


def _draw(look: Callable[[], str]) -> None:
    # The terminal's size as it is now: a shell may have exported what it was once.
    console = Console(_environ={name: value for name, value in os.environ.items() if name not in SIZE})
    lines: list[str] = []
    look_at, stands = 0.0, (0, 0)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            now, size = time.monotonic(), console.size
            if now < look_at and size == stands:
                pause()
                continue
            if now >= look_at:
                lines, look_at = look().splitlines(), now + LOOK_S
            stands = size
            live.update(_page(lines, size.height), refresh=True)


def _page(lines: list[str], height: int) -> Text:
    """As much as there is room for."""
    if len(lines) > height:
        lines = [*lines[: height - 1], f"\x1b[2m… {len(lines) - height + 1:,} more"]
    page = Text.from_ansi("\n".join(lines))
    page.no_wrap, page.overflow = True, "ellipsis"
    return page
