"""Every worker as one glyph: where there are more than the table can hold, what is wrong is seen all the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, Span, crop
from autohealer.views.palette import STATES
from autohealer.views.status import WorkerRow

UNREADY = ("◑", "warm")
MOST_SHOWN = 6


class FleetMap(Panel):
    """A map of all workers."""

    def __init__(self) -> None:
        super().__init__(id="fleet")
        self.border_title = "all workers"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """As many glyphs a line as fit, in the order of the slots; below them, what each stands for."""
        glyphs = [_glyph(row) for row in self.state.workers]
        rows = max(1, height - 1)
        room = rows * width
        if len(glyphs) > room:
            glyphs = _worst_of(glyphs, room)
        gap = " " if len(glyphs) <= rows * (width // 2) else ""
        columns = width // (1 + len(gap))
        lines: list[Line] = []
        for start in range(0, len(glyphs), columns):
            part = glyphs[start : start + columns]
            lines.append(tuple(((glyph + gap) * len(list(same)), tone) for (glyph, tone), same in groupby(part)))
        lines = lines[:rows]
        lines += [()] * (rows - len(lines))
        return [*lines, crop(self._legend(), width)]

    def _legend(self) -> Line:
        spans: list[Span] = []
        for state, many in self.state.states().most_common(MOST_SHOWN):
            look = STATES.get(state)
            spans += [((look.glyph if look else "?") + " ", look.style if look else ""), (f"{many:,} {state}  ", "dim")]
        return tuple(spans)


def _glyph(row: WorkerRow) -> Span:
    if row.state == "running" and row.ready is False:
        return UNREADY
    look = STATES.get(row.state)
    return (look.glyph, look.style) if look else ("?", "")


def _worst_of(glyphs: Sequence[Span], room: int) -> list[Span]:
    """Several workers a glyph: the one that is not as wanted stands for its neighbours."""
    a_cell = -(-len(glyphs) // room)
    parts = (glyphs[start : start + a_cell] for start in range(0, len(glyphs), a_cell))
    return [next((span for span in part if span[1] != "good"), part[0]) for part in parts]
