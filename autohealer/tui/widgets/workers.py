"""The table of workers: only the rows in view are made, and as many columns as the width allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from autohealer.tui.charts import area
from autohealer.tui.ordering import BY_SLOT, ORDERS, is_in_trouble, ordered
from autohealer.tui.state import moment
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, Span, clean, fit, right
from autohealer.views.palette import state_look
from autohealer.views.status import WorkerRow
from autohealer.views.units import duration, share, size

CURVES = ((140, 16), (100, 8))
"""In so wide a table, so many columns for each curve."""
CAUSE_LEAST, WIDE_CAUSE = 10, 20


class PanelColumn(NamedTuple):
    """A column that is there from so many columns of the panel on."""

    title: str
    width: int
    least: int
    cell: Callable[[WorkerRow], Span]
    to_right: bool = True
    order: str = ""
    """What a click on its title orders the rows by."""


class WorkersTable(Panel, can_focus=True):
    """All workers, a row each; one of them is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "a page up", show=False),
        Binding("pagedown", "page(1)", "a page down", show=False),
        Binding("home,g", "edge(-1)", "the first", show=False),
        Binding("end,G", "edge(1)", "the last", show=False),
        Binding("n", "next_in_trouble(1)", "the next worker in trouble", show=False),
        Binding("N", "next_in_trouble(-1)", "the one before", show=False),
    ]

    class DetailsWanted(Message):
        """The details of the chosen worker are wanted."""

    def __init__(self) -> None:
        super().__init__(id="workers")
        self.border_title = "workers"
        self.chosen: str | None = None
        """The key of the chosen row."""
        self.needle = ""
        """What the rows have to match."""
        self.ordered_by = BY_SLOT
        self._is_reversed = False
        self._titles: list[tuple[int, int, str]] = []
        """Where each title is, and what a click on it orders by."""
        self._top = 0
        self._page = 1
        self._rows: list[WorkerRow] = []

    @property
    def worker(self) -> WorkerRow | None:
        """The chosen one; None where none is, or it is not in view of the filter."""
        return next((row for row in self._rows if row.key == self.chosen), None)

    @property
    def overflows(self) -> bool:
        """Whether there are more rows than are in view."""
        return len(self.state.rows) > self._page

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A title, and the rows in view, the chosen one among them."""
        self._rows = self._ordered()
        self._page = max(1, height - 1)
        at = self._index()
        if at is None and self._rows:
            at = 0
            self.chosen = self._rows[0].key
        if at is not None:
            self._top = min(max(self._top, at - self._page + 1), at)
        self._top = max(0, min(self._top, len(self._rows) - self._page))
        columns = self._columns(width)
        cause_width = width - 1 - sum(column.width + 1 for column in columns)
        shown = self._rows[self._top : self._top + self._page]
        self._label(len(shown))
        if not self._rows:
            return [self._title(columns, cause_width), *self._empty(width)]
        return [
            self._title(columns, cause_width),
            *(self._row(row, columns, cause_width, chosen=row.key == self.chosen) for row in shown),
        ]

    def marked(self) -> frozenset[int]:
        """The chosen row."""
        at = self._index()
        return frozenset() if at is None else frozenset({1 + at - self._top})

    # ---- keys and mouse

    def action_move(self, step: int) -> None:
        """Choose the next one up or down."""
        self._choose((self._index() or 0) + step)

    def action_page(self, pages: int) -> None:
        """Choose one a page away."""
        self._choose((self._index() or 0) + pages * self._page)

    def action_edge(self, side: int) -> None:
        """Choose the first or the last one."""
        self._choose(0 if side < 0 else len(self._rows) - 1)

    def action_next_in_trouble(self, step: int) -> None:
        """Choose the next one down, or up, that somebody may want to look at; round the end where need be."""
        at, many = self._index() or 0, len(self._rows)
        ahead = ((at + step * away) % many for away in range(1, many + 1))
        found = next((index for index in ahead if is_in_trouble(self._rows[index])), None)
        if found is None:
            self.dashboard.say("no worker is in trouble")
        else:
            self._choose(found)

    def order_by(self, order: str) -> None:
        """Order the rows so; the other way round where they are already."""
        self._is_reversed = order == self.ordered_by and not self._is_reversed
        self.ordered_by = order
        self.update()

    def next_order(self) -> str:
        """Order the rows by what comes next; its name."""
        self.order_by(ORDERS[(ORDERS.index(self.ordered_by) + 1) % len(ORDERS)])
        return self.ordered_by

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one opens; one on a title orders by it."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y == 0:
            for start, end, order in self._titles:
                if start <= offset.x < end and order:
                    self.order_by(order)
        if offset is None or offset.y < 1 or self._top + offset.y - 1 >= len(self._rows):
            return
        self._choose(self._top + offset.y - 1)
        if event.chain == 2:
            self.post_message(self.DetailsWanted())

    def wheel(self, lines: int) -> None:
        """The choice moves."""
        self.action_move(lines)

    # ---- how

    def _choose(self, at: int) -> None:
        if self._rows:
            self.chosen = self._rows[max(0, min(at, len(self._rows) - 1))].key
            self.update()

    def _index(self) -> int | None:
        return next((at for at, row in enumerate(self._rows) if row.key == self.chosen), None)

    def _ordered(self) -> list[WorkerRow]:
        rows = self.state.workers
        if self.needle:
            needle = self.needle.lower()
            rows = [row for row in rows if self._matches(row, needle)]
        return ordered(rows, self.ordered_by, is_reversed=self._is_reversed)

    def _matches(self, row: WorkerRow, needle: str) -> bool:
        if needle.isdigit():
            return str(row.slot) == needle or str(row.pid) == needle
        words = (row.state, f"slot {row.slot}", f"pid {row.pid}", row.worker or "", row.host or "", row.held or "",
                 self.state.cause(row), "unready" if row.ready is False else "")  # fmt: skip
        return any(needle in word.lower() for word in words)

    def _label(self, shown: int) -> None:
        total = len(self._rows)
        here = " here" if self.state.elsewhere and not self.needle else ""
        title = f"workers{here} {total:,}" if not self.needle else f"workers {total:,} of {len(self.state.rows):,}"
        if self._is_reversed or self.ordered_by != BY_SLOT:
            title += f" by {self.ordered_by} {self._arrow()}"
        where = f"{self._top + 1:,}-{self._top + shown:,} of {total:,}" if shown < total else ""
        if where and (ill := sum(map(is_in_trouble, self._rows))):
            where = f"{ill:,} in trouble: n, {where}"
        if self.border_title != title:
            self.border_title = title
        if self.border_subtitle != where:
            self.border_subtitle = where

    def _empty(self, width: int) -> list[Line]:
        if self.needle:
            words = "no worker matches the filter; Escape clears it"
        elif self.state.status.target == 0:
            words = "the target is 0: + starts a worker"
        elif not self.state.is_known:
            words = ""
        else:
            words = "no worker yet"
        return [(), ((f"  {words}"[:width], "dim"),)]

    def _columns(self, width: int) -> list[PanelColumn]:
        several = len(self.state.status.agents) > 1 and len({row.agent for row in self.state.rows.values()}) > 1
        curve = next((columns for least, columns in CURVES if width >= least), 0)
        has_revision = any(row.revision is not None for row in self._rows[:1])
        columns = [
            PanelColumn("slot", 5, 0, lambda row: (_known(row.slot), "bold"), order=BY_SLOT),
            *([PanelColumn("agent", 14, 60, self._agent, to_right=False)] if several else []),
            PanelColumn("state", 10, 0, _state, to_right=False, order="trouble"),
            PanelColumn("ready", 5, 44, _ready, to_right=False, order="trouble"),
            PanelColumn("up", 7, 0, self._up, order="uptime"),
            PanelColumn("restarts", 8, 52, lambda row: (_known(row.restarts), "warm" if row.restarts else "dim"),
                        order="restarts"),
            PanelColumn("pid", 8, 78, lambda row: (_known(row.pid), "dim")),
            *([PanelColumn("rev", 4, 90, lambda row: (f"r{row.revision}" if row.revision is not None else "", "aside"))]
              if has_revision else []),
            PanelColumn("cpu", 5, 66, _cpu, order="cpu"),
            PanelColumn("", curve, 100, lambda row: self._cpu_curve(row, curve), order="cpu"),
            PanelColumn("memory", 6, 66, lambda row: ("" if row.rss is None else size(row.rss), ""), order="memory"),
            PanelColumn("", curve, 100, lambda row: self._rss_curve(row, curve), order="memory"),
            PanelColumn("worker", 32, 190, lambda row: (row.worker or "", "dim"), to_right=False),
        ]  # fmt: skip
        return [column for column in columns if width >= column.least]

    def _arrow(self) -> str:
        """Which way the numbers go, from the top on."""
        return "▲" if (self.ordered_by == BY_SLOT) is not self._is_reversed else "▼"

    def _title(self, columns: Sequence[PanelColumn], cause_width: int) -> Line:
        spans: list[Span] = [(" ", "")]
        self._titles, at = [], 1
        for column in columns:
            is_it = column.order == self.ordered_by
            spans.append(((right if column.to_right else fit)(column.title, column.width), "key" if is_it else "title"))
            spans.append((" ", ""))
            self._titles.append((at, at + column.width, column.order))
            at += column.width + 1
        if cause_width >= CAUSE_LEAST:
            spans.append((fit("last cause", cause_width), "title"))
        return tuple(spans)

    def _row(self, row: WorkerRow, columns: Sequence[PanelColumn], cause_width: int, *, chosen: bool) -> Line:
        spans: list[Span] = [("▌" if chosen else " ", "key")]
        for column in columns:
            text, style = column.cell(row)
            spans.append(((right if column.to_right else fit)(clean(text), column.width) + " ", style))
        if cause_width >= CAUSE_LEAST:
            spans.append((fit(self._cause(row, cause_width), cause_width), "warm" if row.state == "running" else "bad"))
        return tuple(spans)

    def _cause(self, row: WorkerRow, width: int) -> str:
        cause = self.state.cause(row)
        if row.held is not None:
            return clean(f"held: {row.held}" + (f"; {cause}" if cause else ""))
        if row.state == "backoff":
            next_start = self.state.next_start(row)
            waits = "" if next_start is None else f"in {duration(next_start - self.dashboard.now() + 0.9)}, "
            said = "" if row.slot is None else self.state.history.last_words.get(row.slot, "")
            soon = f"next {waits}" if waits and width >= WIDE_CAUSE else waits
            return clean(f"{soon}{cause}" + (f": {said}" if said else ""))
        return clean(cause)

    def _agent(self, row: WorkerRow) -> Span:
        return self.state.status.name_of(row.agent), "dim"

    def _up(self, row: WorkerRow) -> Span:
        started = moment(row.started)
        return ("", "") if started is None else (duration(self.dashboard.now() - started), "")

    def _cpu_curve(self, row: WorkerRow, width: int) -> Span:
        curve = self.state.curve(row)
        if curve is None:
            return "", ""
        top = max(0.1, *curve.cpu[-2 * width :])
        return area(curve.cpu, width, 1, 0.0, top)[0], "heal" if top < 0.9 else "warm"

    def _rss_curve(self, row: WorkerRow, width: int) -> Span:
        curve = self.state.curve(row)
        return ("", "") if curve is None else (area(curve.rss, width, 1, 0.0, max(curve.rss) * 1.5)[0], "aside")


def _state(row: WorkerRow) -> Span:
    look = state_look(row.state)
    return f"{look.glyph} {look.word}", look.style


def _ready(row: WorkerRow) -> Span:
    if row.state != "running" or row.ready is None:
        return "", ""
    return ("yes", "good") if row.ready else ("no", "warm")


def _cpu(row: WorkerRow) -> Span:
    if row.cpu is None:
        return "", ""
    return share(row.cpu), "bad" if row.cpu >= 0.95 else "bold" if row.cpu >= 0.5 else ""


def _known(value: int | None) -> str:
    return "" if value is None else str(value)
