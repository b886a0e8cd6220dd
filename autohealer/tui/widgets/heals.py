"""Heal times over time on a scale of powers of ten, with an axis, and deaths below it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from autohealer.tui.charts import blocks, decades, row_of, scatter
from autohealer.tui.history import HealPoint, percentile
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import BLANK, Line, Span, crop, line_width, right
from autohealer.views.units import count, duration, milliseconds

WINDOWS_S = (60, 120, 300, 600, 1800, 3600)
LABEL = 7
LEAST_PLOT = 2
FULL_BAR = 4
"""So many deaths fill a bar, unless there were more at once."""


class HealsChart(Panel):
    """When workers healed, and how long each took."""

    def __init__(self) -> None:
        super().__init__(id="heals")
        self.border_title = "heals"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Figures, the plot, its axis, deaths."""
        history, now = self.state.history, self.dashboard.now()
        window = _window(now - history.first if history.first is not None else 0.0)
        heals = history.heals_since(now - window)
        lines = [crop(self._figures(heals, width), width)]
        if not history.deaths:
            hint = "x kills one, to see it heal" if height > 2 else ""
            return [*lines, BLANK, (("  nobody has died yet", "dim"),), ((f"  {hint}"[:width], "dim"),)][:height]
        rows = height - len(lines) - 2
        columns = width - LABEL - 1
        if columns < 12:
            return lines
        if rows >= LEAST_PLOT:
            lines += self._plot(heals, now - window, window, columns, rows)
        lines.append(self._deaths(now - window, window, columns))
        if rows >= LEAST_PLOT:
            lines.append(_axis(window, columns))
        return lines[:height]

    def _figures(self, heals: Sequence[HealPoint], width: int) -> Line:
        history = self.state.history
        times = [heal.ms for heal in heals]
        p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
        spans: list[Span] = []
        if p50 is not None and p95 is not None:
            spans += [("p50 ", "dim"), (milliseconds(p50), "heal"), ("  p95 ", "dim"), (milliseconds(p95), "heal"),
                      ("  ", "")]  # fmt: skip
        spans.append((count(len(history.heals), "heal"), ""))
        deaths = f", {count(history.deaths, 'death')}" if history.deaths else ""
        return (*spans, (deaths, "")) if line_width(tuple(spans)) + len(deaths) <= width else tuple(spans)

    def _plot(self, heals: Sequence[HealPoint], since: float, window: float, columns: int, rows: int) -> list[Line]:
        times = [heal.ms for heal in heals]
        ten = decades(times)
        dotted = scatter([((heal.at - since) / window, heal.ms) for heal in heals], columns, rows, ten)
        ruled = {
            row_of(10.0**power, rows, ten): (_ten(power), "dim", "┄", "rule") for power in range(ten[0], ten[1] + 1)
        }
        for name, part in (("p50", 0.5), ("p95", 0.95)):
            if (value := percentile(times, part)) is not None:
                ruled[row_of(value, rows, ten)] = (name, "warm", "╌", "warm")
        lines: list[Line] = []
        for y, dots in enumerate(dotted):
            label, tone, dash, ruler = ruled.get(y, ("", "", "", ""))
            shown: Line = ((dots, "heal"),)
            if dash:
                shown = tuple((dash * len(part), ruler) if part.isspace() else (part, "heal") for part in _parts(dots))
            lines.append(((right(label, LABEL), tone), ("┤" if dash else "│", "rule"), *shown))
        return lines

    def _deaths(self, since: float, window: float, columns: int) -> Line:
        found = self.state.history.deaths_by(since, window / columns, columns)
        top = max([FULL_BAR, *found])
        text = "".join(blocks([deaths], 1, top) if deaths else " " for deaths in found)
        return (right("deaths", LABEL), "dim"), ("│", "rule"), (text, "bad")


def _ten(power: int) -> str:
    """A power of ten of milliseconds: 0.1 ms, 10 ms, 1 s."""
    return milliseconds(10.0**power).replace(".0", "")


def _parts(text: str) -> list[str]:
    """The text cut where blanks begin and end."""
    found: list[str] = []
    for char in text:
        if found and found[-1][-1].isspace() == char.isspace():
            found[-1] += char
        else:
            found.append(char)
    return found


def _window(known_s: float) -> int:
    """The smallest stretch of time that holds all that is known, up to an hour."""
    return next((window for window in WINDOWS_S if known_s <= window), WINDOWS_S[-1])


def _axis(window: int, columns: int) -> Line:
    """How long ago, below the plot; the words stand in the line."""
    marks = 4 if columns >= 48 else 2
    line = ["─"] * columns
    for mark in range(marks + 1):
        ago = window - window * mark // marks
        word = "now" if ago == 0 else f"-{duration(ago).split()[0]}" if ago % 60 == 0 else f"-{duration(ago)}"
        start = max(0, min(mark * columns // marks - len(word) // 2, columns - len(word)))
        line[start : start + len(word)] = word
    spans: list[Span] = [(" " * LABEL, ""), ("└", "rule")]
    spans += [
        ("".join(same), "rule" if ruled else "dim") for ruled, same in groupby(line, key=lambda char: char == "─")
    ]
    return tuple(spans)
