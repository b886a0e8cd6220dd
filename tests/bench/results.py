"""Samples into medians, tables and a plot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log10
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
    return f"{value:.3g} {unit}".rstrip()


def tables(found: Figures) -> str:
    """Markdown: a table for each measure, a row for each peer, quickest first."""
    lines: list[str] = []
    for (measure, count), peers in sorted(found.items()):
        lines += ["", f"### {measure}, N = {count}", "", "| | median | least | most | to the floor in Python |"]
        lines += ["| --- | ---: | ---: | ---: | ---: |"]
        floor = peers[FLOOR].median if FLOOR in peers else None
        rows = sorted(peers.items(), key=lambda item: (item[1].median is None, item[1].median or 0.0))
        for peer, figure in rows:
            middle = figure.median
            times = f"{middle / floor:.2f}" if middle is not None and floor else ""
            ends = (
                [text(min(figure.values), figure.unit), text(max(figure.values), figure.unit)]
                if figure.values
                else ["", ""]
            )
            missing = f" ({figure.missing} never)" if figure.missing else ""
            lines.append(f"| {peer} | {text(middle, figure.unit)}{missing} | {ends[0]} | {ends[1]} | {times} |")
    return "\n".join(lines).lstrip() + "\n"


def plot(found: Figures, measure: str, count: int) -> str:
    """An SVG: a bar for each peer on a logarithmic axis of time, with its median in words."""
    rows = [(p, f.median) for p, f in found[measure, count].items() if f.median]
    rows.sort(key=lambda row: row[1] or 0.0)
    values = [value for _, value in rows if value]
    low, high = min(values) / 2, max(values) * 1.5
    width, left, row_height = 760, 150, 26

    def x(value: float) -> float:
        return left + (width - left - 90) * (log10(value) - log10(low)) / (log10(high) - log10(low))

    bars = []
    for number, (peer, value) in enumerate(rows):
        assert value is not None
        y = 34 + number * row_height
        fill = "#2f7d4f" if peer == "autohealer" else "#8a94a6"
        bars.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{peer}</text>'
            f'<rect x="{left}" y="{y + 2}" width="{x(value) - left:.1f}" height="{row_height - 8}" fill="{fill}"/>'
            f'<text x="{x(value) + 6:.1f}" y="{y + 14}">{text(value, "s")}</text>'
        )
    height = 44 + len(rows) * row_height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="13"><rect width="{width}" height="{height}" fill="white"/>'
        f'<text x="8" y="20" font-weight="bold">{measure}, N = {count}: median, logarithmic axis</text>'
        f"{''.join(bars)}</svg>\n"
    )
