"""The dashboard's table of workers: only the rows that are seen are made, and columns as the width allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from autohealer.views.lines import Line, Span, fit, right
from autohealer.views.palette import state_look
from autohealer.views.units import duration, share, size, unix

if TYPE_CHECKING:
    from autohealer.views.controls import Controls
    from autohealer.views.pool import Row, Usage


class Column(NamedTuple):
    """A column: it is there from so many columns of the terminal on."""

    title: str
    width: int
    from_width: int
    cell: Callable[[Row], Span]
    to_right: bool = True


CAUSE_LEAST = 12
NARROWEST = 34
"""In fewer columns than these the rows have to be cut off."""


class WorkerTable:
    """What the cells are made of. ``causes`` are those of the workers of the agent ``here``."""

    def __init__(
        self,
        causes: Mapping[int, str],
        usage: Mapping[int, Usage],
        here: str | None,
        now: float,
        width: int,
        *,
        several: bool,
    ) -> None:
        self._causes, self._usage, self._here, self._now, self._width = causes, usage, here, now, width
        columns = [
            Column("slot", 5, 0, lambda row: (_known(row.slot), "bold")),
            Column("state", 10, 0, _state, to_right=False),
            Column("pid", 7, 0, lambda row: (_known(row.pid), "")),
            Column("up", 7, 0, self._up),
            Column("restarts", 8, 56, lambda row: (_known(row.restarts), "warm" if row.restarts else "dim")),
            Column("cpu", 5, 76, lambda row: self._taken(row, "cpu")),
            Column("memory", 6, 76, lambda row: self._taken(row, "memory")),
            Column("host", 16, 100 if several else 120, lambda row: (row.host or "", "dim"), to_right=False),
            Column("registered", 10, 136, lambda row: (_yes(row.registered), ""), to_right=False),
            Column("worker", 32, 160, lambda row: (row.worker or "", "dim"), to_right=False),
        ]
        self._columns = [column for column in columns if width >= column.from_width]
        self._cause_width = width - sum(column.width + 1 for column in self._columns) - 1

    def lines(self, rows: Sequence[Row], controls: Controls, height: int) -> list[Line]:
        """A title and as many rows as there is room for, the chosen one among them; the last line counts the rest."""
        fits = len(rows) < height
        controls.page = max(1, height - (1 if fits else 2))
        first, chosen = controls.scroll(rows)
        shown = rows[first : first + controls.page]
        found = [self._title()]
        found += [self._row(row, chosen == first + i) for i, row in enumerate(shown)]
        if not fits:
            after = len(rows) - first - len(shown)
            counts = [f"{first:,} more above"] if first else []
            counts += [f"{after:,} more"] if after else []
            found.append(((f"     … {', '.join(counts)}", "dim"),))
        return found

    def _title(self) -> Line:
        cells = [(right if c.to_right else fit)(c.title, c.width) for c in self._columns]
        last = " last death" if self._cause_width >= CAUSE_LEAST else ""
        return ((" ".join(["", *cells])[: self._width] + last, "title"),)

    def _row(self, row: Row, chosen: bool) -> Line:
        spans: list[Span] = []
        for column in self._columns:
            text, style = column.cell(row)
            spans.append((f" {(right if column.to_right else fit)(text, column.width)}", style))
        if self._cause_width >= CAUSE_LEAST:
            cause = self._causes.get(row.slot, "") if row.slot is not None and row.agent == self._here else ""
            spans.append((f" {fit(cause, self._cause_width)}", "warm"))
        if chosen:
            return (("".join(text for text, _ in spans), "chosen"),)
        return tuple(spans)

    def _up(self, row: Row) -> Span:
        started = unix(row.started)
        return ("", "") if started is None else (duration(self._now - started), "")

    def _taken(self, row: Row, what: str) -> Span:
        usage = self._usage.get(row.pid) if row.pid is not None and row.agent == self._here else None
        if usage is None:
            return "", ""
        cpu, memory = usage
        if what == "memory":
            return size(memory), ""
        return ("", "") if cpu is None else (share(cpu), "bold" if cpu >= 0.5 else "")


def _state(row: Row) -> Span:
    look = state_look(row.state)
    return f"{look.glyph} {look.word}", look.style


def _known(value: int | None) -> str:
    return "" if value is None else str(value)


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"
