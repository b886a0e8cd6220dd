"""One worker: what it is, and what it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autohealer.tui.charts import area
from autohealer.tui.state import SAMPLE_S, Curve, moment
from autohealer.tui.widgets.events import local_clock
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, clean, crop, right, wrap
from autohealer.views.palette import state_look
from autohealer.views.status import WorkerRow
from autohealer.views.units import duration, share, size

LABEL = 6


class OfWorker(Panel):
    """A panel about the worker in one row. ``key`` is the row's; the worker is who lives there now."""

    def __init__(self, key: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.key = key

    @property
    def worker(self) -> WorkerRow:
        """Who is there now; an empty row once it is gone."""
        return self.state.rows.get(self.key) or WorkerRow()


class FactsPanel(OfWorker):
    """What is known of it."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A name, and facts side by side."""
        row, now = self.worker, self.dashboard.now()
        look = state_look(row.state)
        parts: list[Line] = [((f"{look.glyph} {look.word}", look.style),)]
        if row.state == "running" and row.ready is not None:
            parts.append((("ready", "good"),) if row.ready else (("not ready", "warm"),))
        if row.held is not None:
            parts.append(((f"faulty, held: {clean(row.held)}", "warm"),))

        def fact(name: str, value: object, tone: str = "") -> None:
            if value not in (None, ""):
                parts.append(((f"{name} ", "dim"), (clean(str(value)), tone)))

        started, next_start = moment(row.started), self.state.next_start(row)
        fact("up", duration(now - started) if started is not None else None)
        fact("since", local_clock(row.started) if started is not None else None)
        fact("next start in", duration(next_start - now + 0.9) if next_start is not None else None, "warm")
        fact("restarts", row.restarts, "warm" if row.restarts else "")
        fact("revision", f"r{row.revision}" if row.revision is not None else None, "aside")
        fact("pid", row.pid)
        fact("host", row.host)
        fact("address", row.address)
        fact("last cause", self.state.cause(row), "warm")
        fact("id", row.worker)
        lines = wrap(parts, width)
        said = "" if row.slot is None else self.state.history.last_words.get(row.slot, "")
        if said and row.state != "running":
            lines.append(crop((("it said  ", "dim"), (clean(said), "bad")), width))
        return lines[:height]


class CurvePanel(OfWorker):
    """Memory or processor time over the last minutes, filled."""

    def __init__(self, key: str, *, of: str) -> None:
        super().__init__(key, id=of)
        self.border_title = of
        self._of_memory = of == "memory"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The curve with its scale."""
        curve = self.state.curve(self.worker)
        columns, rows = width - LABEL - 1, height - 1
        if curve is None or columns < 8 or rows < 1:
            return [(("  not measured", "dim"),)]
        values, top, text = self._scaled(curve)
        tone = "aside" if self._of_memory else "heal"
        lines: list[Line] = []
        for y, dots in enumerate(area(values, columns, rows, 0.0, top)):
            label = text(top) if y == 0 else text(0.0) if y == rows - 1 else ""
            lines.append(((right(label, LABEL), "dim"), ("┤" if label else "│", "rule"), (dots, tone)))
        seconds = min(len(values), columns * 2) * SAMPLE_S
        now = f"now {text(values[-1])}, highest {text(max(values))} in {duration(seconds)}"
        return [*lines, crop(((" " * (LABEL + 1), ""), (now, "dim")), width)]

    def _scaled(self, curve: Curve) -> tuple[Sequence[float], float, Callable[[float], str]]:
        if self._of_memory:
            return curve.rss, max(curve.rss) * 1.2 or 1.0, size
        return curve.cpu, max(0.1, max(curve.cpu) * 1.1), share
