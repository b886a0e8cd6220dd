"""Inline SVG. Drawings are stretched to whatever width there is, so they hold no text: labels are the page's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

from autohealer.views.lines import clean
from autohealer.views.report.model import Death, Gap, Level, Report, SlotStory, Stretch
from autohealer.views.report.words import clock, length

ACROSS = 1000
"""Units from the left to the right of a drawing."""
COLUMNS = 250


class PlotColumn(NamedTuple):
    """A part of the window: how many were up on average, of how many it is unknown, and the most that were wanted."""

    up: float
    unknown: float
    wanted: int

    @property
    def height(self) -> float:
        """What there has to be room for."""
        return max(self.up + self.unknown, self.wanted)


def text(value: object) -> str:
    """As the page may hold it: nothing in it is obeyed by a browser, nor by a terminal."""
    return escape(clean(str(value)))


def columns_of(levels: Sequence[Level], since: float, until: float, columns: int = COLUMNS) -> list[PlotColumn]:
    """The window in so many columns of equal length."""
    each = (until - since) / columns
    if each <= 0:
        return []
    up, unknown, wanted = [0.0] * columns, [0.0] * columns, [0] * columns
    for index, level in enumerate(levels):
        end = levels[index + 1].at if index + 1 < len(levels) else until
        first, last = (level.at - since) / each, (end - since) / each
        for column in range(max(0, int(first)), min(columns - 1, int(last)) + 1):
            part = max(0.0, min(last, column + 1) - max(first, column))
            up[column] += level.up * part
            unknown[column] += level.unknown * part
            if part > 0:
                wanted[column] = max(wanted[column], level.wanted)
    return [PlotColumn(*values) for values in zip(up, unknown, wanted, strict=True)]


def levels_plot(columns: Sequence[PlotColumn]) -> str:
    """How many were up, as an area, the unknown on top of it; how many were wanted, as a line."""
    top = max((column.height for column in columns), default=0) or 1
    each = ACROSS / max(1, len(columns))

    def steps(values: Iterable[float], begin: str) -> str:
        edges = (f"{_short(100 - 96 * value / top)}H{_short((i + 1) * each)}" for i, value in enumerate(values))
        return begin + "V".join(edges)

    unknown = steps((column.up + column.unknown for column in columns), "M0 100V") + "V100Z"
    area = steps((column.up for column in columns), "M0 100V") + "V100Z"
    target = steps((column.wanted for column in columns), "M0 ")
    any_unknown = any(column.unknown > 0 for column in columns)
    return _svg(
        (f'<path class="unknown" d="{unknown}"/>' if any_unknown else "")
        + f'<path class="up" d="{area}"/><path class="target" d="{target}"/>',
        100,
        "workers that were up, against those that were wanted",
        "levels",
    )


def deaths_plot(deaths: Sequence[Death], since: float, until: float, columns: int = COLUMNS // 2) -> tuple[str, int]:
    """A bar for every part of the window, and how many deaths the highest one stands for."""
    counts = [0] * columns
    each = (until - since) / columns or 1.0
    for death in deaths:
        counts[min(columns - 1, max(0, int((death.at - since) / each)))] += 1
    most = max(counts, default=0)
    width = ACROSS / columns
    bars = "".join(
        f"M{_short(i * width)} 40V{_short(40 - 40 * max(0.08, n / most))}h{_short(width * 0.75)}V40Z"
        for i, n in enumerate(counts)
        if n
    )
    return _svg(f'<path class="died" d="{bars}"/>', 40, "deaths over time", "deaths"), most


def bar(part: float, kind: str) -> str:
    """A horizontal bar that takes this part of the room; anything at all is to be seen."""
    width = 0 if part <= 0 else max(8.0, ACROSS * min(1.0, part))
    return _svg(f'<rect class="{kind}" width="{_short(width)}" height="10"/>', 10, "", "bar")


def slot_plot(story: SlotStory, report: Report, titled: frozenset[Gap]) -> str:
    """Up is a bar, down a block, unknown a thin line, a death a tick above; ``titled`` gaps say what they were."""
    scale = ACROSS / (report.length_s or 1.0)

    def x(at: float) -> float:
        return (at - report.since) * scale

    parts = [
        f'<path class="up" d="{_boxes(story.up, x, 8, 8)}"/>' if story.up else "",
        f'<path class="unknown" d="{_boxes(story.unknown, x, 11, 2)}"/>' if story.unknown else "",
    ]
    seen = [gap for gap in story.gaps if gap.length_s * scale >= 1]
    quiet = [Stretch(gap.begin, gap.end) for gap in seen if gap not in titled]
    parts.append(f'<path class="down" d="{_boxes(quiet, x, 5, 14)}"/>' if quiet else "")
    parts += [
        f'<path class="down" d="{_boxes([Stretch(gap.begin, gap.end)], x, 5, 14)}"><title>{_of_gap(gap)}</title></path>'
        for gap in seen
        if gap in titled
    ]
    ticks = "".join(f"M{at} 0v6" for at in sorted({round(x(death.at)) for death in story.deaths}))
    parts.append(f'<path class="tick" d="{ticks}"/>' if ticks else "")
    return _svg("".join(parts), 20, f"slot {story.slot}: when it was up, when down", "slot")


def _of_gap(gap: Gap) -> str:
    return f"{clock(gap.begin)}, for {length(gap.length_s)}: {text(gap.cause)}"


def _boxes(stretches: Iterable[Stretch], x: Callable[[float], float], top: int, height: int) -> str:
    """Those that nothing wide enough to be seen parts, as one."""
    merged: list[tuple[float, float]] = []
    for begin, end in ((x(stretch.begin), x(stretch.end)) for stretch in stretches):
        if merged and begin - merged[-1][1] < 1:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return "".join(f"M{_short(begin)} {top}H{_short(end)}v{height}H{_short(begin)}Z" for begin, end in merged)


def _svg(content: str, height: int, label: str, kind: str) -> str:
    named = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="{kind}" viewBox="0 0 {ACROSS} {height}" preserveAspectRatio="none" {named}>{content}</svg>'


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
