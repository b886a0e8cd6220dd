"""``status --watch``: the same again and again, in place on a terminal, elsewhere each time that it has changed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.printing import Printing
from autohealer.cli.support.terminals import can_draw, in_order
from autohealer.runtime.terminal import Terminal
from autohealer.views.canvas import ENTER, LEAVE, Canvas, Pen
from autohealer.views.lines import Line, Lines, crop
from autohealer.views.listing import status_lines

LOOK_S = 1.0
NO_KEYS = -1


def watch_status(look: Callable[[], dict[str, Any]], *, as_json: bool) -> int:
    """Until Ctrl-C, or until nobody is left to ask."""
    if not as_json and can_draw():
        with in_order():
            _draw(look)
    printing, former = Printing(), None
    while True:
        found = look()
        if found != former:
            text = json.dumps(found) if as_json else printing.text(_lines(found, printing.styled))
            click.echo(text if as_json or former is None else f"\n{text}")
            former = found
        time.sleep(LOOK_S)


def _draw(look: Callable[[], dict[str, Any]]) -> None:
    terminal = Terminal(sys.stdout.fileno(), NO_KEYS, enter=ENTER, leave=LEAVE)
    canvas, encoding = Canvas(Pen(sys.stdout.encoding, os.environ)), sys.stdout.encoding
    lines, look_at, stands = [], 0.0, (0, 0)
    try:
        while True:
            now, size = time.monotonic(), terminal.size()
            if now >= look_at:
                lines, look_at = _lines(look(), True), now + LOOK_S
            elif size == stands:
                pause()
                continue
            if terminal.enter() or size != stands:
                canvas.clear()
            stands = size
            terminal.write(canvas.paint(_page(lines, *size)).encode(encoding, "replace"))
    finally:
        terminal.leave()


def _lines(found: dict[str, Any], glyphs: bool) -> list[Line]:
    return status_lines(found, time.time(), glyphs=glyphs)


def _page(lines: list[Line], width: int, height: int) -> Lines:
    """As much as there is room for."""
    if len(lines) > height:
        lines = [*lines[: height - 1], ((f"… {len(lines) - height + 1:,} more", "dim"),)]
    blank: list[Line] = [()] * (height - len(lines))
    return Lines(tuple(crop(line, width) for line in [*lines, *blank]))
