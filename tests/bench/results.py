"""Samples into medians, tables and a plot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, log10
from statistics import median

from tests.bench.measures import Sample

FLOOR = "floor (Python)"


@dataclass(frozen=True)
class Figure:
    """All samples of one measure of one peer."""

    values: tuple[float, ...]
    missing: int
    unit: str

    @property
    def median(self) -> float | None:
        """None where more samples never came than did."""
        return median(self.values) if len(self.values) > self.missing else None

    @property
    def least(self) -> float | None:
        """None where none ever came."""
        return min(self.values, default=None)

    @property
    def most(self) -> float | None:
        """None where none ever came."""
        return max(self.values, default=None)

    @property
    def p95(self) -> float | None:
        """95 in a hundred are at most this."""
        return sorted(self.values)[ceil(len(self.values) * 0.95) - 1] if self.values else None


Key = tuple[str, int]
Figures = Mapping[Key, Mapping[str, Figure]]


def figures(samples: Iterable[Sample]) -> Figures:
    """By measure and number of workers, then by peer."""
    values: dict[Key, dict[str, list[float | None]]] = defaultdict(lambda: defaultdict(list))
    units: dict[Key, str] = {}
    for sample in samples:
        values[sample.measure, sample.count][sample.peer].append(sample.value)
        units[sample.measure, sample.count] = sample.unit
    return {
        key: {
            peer: Figure(tuple(v for v in found if v is not None), sum(v is None for v in found), units[key])
            for peer, found in peers.items()
        }
        for key, peers in values.items()
    }


def ratio(found: Figures, measure: str, count: int, peer: str = "autohealer", to: str = FLOOR) -> float:
    """The ratio of two medians of one run; KeyError where either was not measured."""
    ours, theirs = found[measure, count][peer].median, found[measure, count][to].median
    if ours is None or theirs is None:
        raise KeyError((measure, count, peer, to))
    return ours / theirs


def text(value: float | None, unit: str) -> str:
    """A figure with as many digits as it deserves."""
    if value is None:
        return "never"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    if value >= 1000:
        return f"{value:,.0f} {unit}".rstrip()
    return f"{value:.3g} {unit}".rstrip()


def tables(found: Figures) -> str:
    """Markdown: a table for each measure, a row for each peer, quickest first."""
    lines: list[str] = []
    for (measure, count), peers in sorted(found.items()):
        floor = peers[FLOOR].median if FLOOR in peers else None
        to_floor = (" to the floor in Python |", " ---: |") if floor else ("", "")
        lines += ["", f"### {title(measure, count)}", ""]
        lines += [f"| | median | 95 % below | least | most | samples |{to_floor[0]}"]
        lines += [f"| --- | ---: | ---: | ---: | ---: | ---: |{to_floor[1]}"]
        rows = sorted(peers.items(), key=lambda item: (item[1].median is None, item[1].median or 0.0))
        for peer, figure in peers.items() if measure in AS_TAKEN else rows:
            middle = figure.median
            times = "" if not floor else " |" if middle is None else f" {middle / floor:.2f} |"
            missing = f" ({figure.missing} never)" if figure.missing else ""
            spread = " | ".join(text(value, figure.unit) for value in (figure.p95, figure.least, figure.most))
            samples = len(figure.values) + figure.missing
            lines.append(f"| {peer} | {text(middle, figure.unit)}{missing} | {spread} | {samples} |{times}")
    return "\n".join(lines).lstrip() + "\n"


def title(measure: str, count: int) -> str:
    """What a table or plot is about; some measures have no number of workers."""
    return f"{measure}, N = {count:,}" if count else measure


AS_TAKEN = {
    "command",
    "machine: a loop of Python",
    "machine: start and end of the worker",
    "leave",
    "reload",
    "where a heal's time goes",
}
"""Their rows are no rivals."""
PLOTS = (("heal rested", 10), ("heal hot", 10), ("storm", 500), ("start", 1000))
WIDTH, LEFT, RIGHT, ROW = 760, 130, 230, 26


def plots(found: Figures) -> dict[str, str]:
    """The most important measures as SVG, by the name of the file."""
    return {f"{m.replace(' ', '-')}-{n}": plot(found, m, n) for m, n in PLOTS if (m, n) in found}


def plot(found: Figures, measure: str, count: int) -> str:
    """An SVG of times on a logarithmic axis: a bar to each median, and a line from the least to the 95 %."""
    rows = sorted((f.median, peer, f) for peer, f in found[measure, count].items() if f.median is not None)
    low, high = min(f.least or 0.0 for _, _, f in rows) / 1.5, max(f.p95 or 0.0 for _, _, f in rows)

    def x(value: float | None) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * log10((value or low) / low) / log10(high / low)

    bars = []
    for number, (middle, peer, figure) in enumerate(rows):
        y = 34 + number * ROW
        fill = "#2f7d4f" if peer == "autohealer" else "#8a94a6"
        words = f"{text(middle, 's')} ({text(figure.least, 's')} to {text(figure.p95, 's')})"
        bars.append(
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{peer}</text>'
            f'<rect x="{LEFT}" y="{y + 2}" width="{x(middle) - LEFT:.1f}" height="{ROW - 8}" fill="{fill}"/>'
            f'<path d="M{x(figure.least):.1f} {y + 11}H{x(figure.p95):.1f}" stroke="black" stroke-width="2"/>'
            f'<text x="{max(x(figure.p95), x(middle)) + 6:.1f}" y="{y + 15}">{words}</text>'
        )
    height = 44 + len(rows) * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="13"><rect width="{WIDTH}" height="{height}" fill="white"/>'
        f'<text x="8" y="20" font-weight="bold">{title(measure, count)}: median (least to 95 % below), '
        f"logarithmic axis</text>"
        f"{''.join(bars)}</svg>\n"
    )
