"""A report for a terminal, or for whatever keeps what it gets: lines of a given width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap as fold

from autohealer.views.lines import BLANK, Line, Span, clean, crop, fit, right, rule, wrap
from autohealer.views.palette import EVENTS
from autohealer.views.rendering import Heading, Part, table
from autohealer.views.report.model import CauseStory, Report, buckets
from autohealer.views.report.timeline import Cell, CellMark, cells
from autohealer.views.report.words import Zone, bucket_range, clock, length, notes, percent, tick, window
from autohealer.views.units import count, milliseconds

SHOWN_CAUSES = 8
SHOWN_SLOTS = 24
SHOWN_GAPS = 5
WIDE = 76
LEAST_BAR = 6
MOST_BAR = 60

MARKS: dict[CellMark, Span] = {
    CellMark.UP: ("─", "good"),
    CellMark.DIED: (EVENTS["worker.exited"].glyph, "warm"),
    CellMark.DOWN: ("▲", "bad"),
    CellMark.UNKNOWN: ("?", "dim"),
    CellMark.ABSENT: (" ", ""),
}
LEGEND = {
    CellMark.UP: "up",
    CellMark.DIED: "died, and healed",
    CellMark.DOWN: "down",
    CellMark.UNKNOWN: "unknown",
    CellMark.ABSENT: "not wanted",
}


def report_parts(report: Report, pool: str, width: int, zone: Zone = None) -> list[Part]:
    """The whole report, each line of at most so many columns; moments are local where no zone is given."""
    parts: list[Part] = [
        *_head(report, pool, width, zone),
        *(((f"{note}", "dim"),) for note in _folded(notes(report, zone), width)),
        BLANK,
        *_causes(report, width),
        *_histogram(report, width),
        *_timeline(report, width, zone),
        *_gaps(report, width, zone),
    ]
    return [crop(part, width) if isinstance(part, tuple) else part for part in parts]


def _head(report: Report, pool: str, width: int, zone: Zone) -> list[Line]:
    agent = f" on {report.agent}" if report.agent else ""
    good = report.availability is not None and report.availability >= 0.999
    times = report.times
    heals: Line = ((count(len(times), "heal"), "heal"),)
    if times:
        named = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        heals = (
            *heals,
            (": " + ", ".join(f"{name} {milliseconds(times.percentile(part) or 0)}" for name, part in named), ""),
        )
    parts: list[Line] = [
        (("available ", ""), (percent(report.availability), "good" if good else "bad")),
        ((f"below target for {length(report.below_s)}", "warm" if report.below_s >= 1 else ""),)
        if report.below_s
        else (("never below target", ""),),
        ((count(len(report.deaths), "death"), "bad" if report.deaths else ""),),
        heals,
    ]
    return [
        *wrap([(("pool ", ""), (clean(pool), "bold"), (clean(agent), "")), ((window(report, zone), ""),),
               ((length(report.length_s), "bold"),)], width),
        *wrap(parts, width),
    ]  # fmt: skip


def _causes(report: Report, width: int) -> list[Part]:
    if not report.causes:
        return [rule("heals by cause", "nobody died", width)]
    shown, rest = report.causes[:SHOWN_CAUSES], report.causes[SHOWN_CAUSES:]
    wide = width >= WIDE
    headings = [Heading("deaths", True), Heading("heals", True), Heading("p50", True)]
    headings += [Heading("p95", True)] if wide else []
    headings += [Heading("max", True), Heading("down", True)]
    rows = [_cause(story, wide=wide) for story in shown]
    figures = sum(2 + max(len(heading.title), *(len(row[i][0]) for row in rows)) for i, heading in enumerate(headings))
    longest = min(max(len(clean(story.cause)) for story in shown), max(8, width - figures))
    for story, row in zip(shown, rows, strict=True):
        row.insert(0, (fit(story.cause, longest), "warm"))
    headings.insert(0, Heading("cause"))
    room = min(MOST_BAR, width - max(longest, len("cause")) - figures - 2)
    headings.append(Heading(""))
    most = max(story.deaths for story in shown)
    for story, row in zip(shown, rows, strict=True):
        row.append((_bar(story.deaths, most, room) if room >= LEAST_BAR else "", "bad"))
    lines: list[Part] = [rule("heals by cause", "", width), table(headings, rows)]
    if rest:
        deaths = sum(story.deaths for story in rest)
        lines.append(((f"… {count(len(rest), 'more cause')} with {count(deaths, 'death')}", "dim"),))
    return lines


def _cause(story: CauseStory, *, wide: bool) -> list[Span]:
    def of(part: float) -> str:
        value = story.heals.percentile(part)
        return "-" if value is None else milliseconds(value)

    spans = [(f"{story.deaths:,}", "bold"), (f"{len(story.heals):,}", "heal"), (of(0.5), "")]
    spans += [(of(0.95), "")] if wide else []
    return [*spans, (of(1.0), ""), (length(story.down_s), "")]


def _histogram(report: Report, width: int) -> list[Line]:
    found = buckets(report.times)
    if not found:
        return []
    labels = [bucket_range(bucket) for bucket in found]
    label_width = max(map(len, labels))
    most = max(bucket.heals for bucket in found)
    room = min(MOST_BAR, width - label_width - len(f"{most:,}") - 4)
    return [
        rule("time to heal", "from a death to its replacement running", width),
        *(
            ((f"{right(label, label_width)}  ", ""), (_bar(bucket.heals, most, room), "heal"),
             (f" {bucket.heals:,}" if bucket.heals else "", ""))
            for label, bucket in zip(labels, found, strict=True)
        ),
    ]  # fmt: skip


def _bar(value: int, most: int, room: int) -> str:
    """Anything at all is a bar."""
    return "" if not value else "█" * max(1, round(room * value / most))


def _timeline(report: Report, width: int, zone: Zone) -> list[Line]:
    """A row for each slot; where there are too many, for those that fared worst."""
    if not report.slots:
        return []
    shown = sorted(report.worst_slots()[:SHOWN_SLOTS], key=lambda story: story.slot)
    number = max(4, *(len(str(story.slot)) for story in shown))
    columns = max(10, width - number - 20)
    rows = [cells(story, report.since, report.until, columns) for story in shown]
    first, last = tick(report.since, report.length_s, zone), tick(report.until, report.length_s, zone)
    axis = f"{first}{last.rjust(max(0, columns - len(first)))}"
    lines: list[Line] = [
        rule("timeline by slot", "", width),
        ((f"{right('slot', number)} {fit(axis, columns)} {right('available', 9)} {right('deaths', 7)}", "title"),),
    ]
    for story, row in zip(shown, rows, strict=True):
        figures = f" {right(percent(story.availability), 9)} {right(f'{len(story.deaths):,}', 7)}"
        lines.append(((f"{right(str(story.slot), number)} ", "bold"), *_marks(row), (figures, "")))
    left_out = len(report.slots) - len(shown)
    if left_out:
        rest = report.worst_slots()[SHOWN_SLOTS:]
        deaths, down_s = sum(len(story.deaths) for story in rest), sum(story.down_s for story in rest)
        fared = f"{count(deaths, 'death')}, down for {length(down_s)} in all"
        lines.append(((f"… {count(left_out, 'more slot')}, which fared better: {fared}", "dim"),))
    seen = {cell.mark for row in rows for cell in row}
    legend: list[Line] = [
        (MARKS[mark], (f" {LEGEND[mark]}", "dim")) for mark in MARKS if mark in seen and mark in LEGEND
    ]
    each = ((f"a column is {length(report.length_s / columns)}", "dim"),)
    return [*lines, *wrap([*legend, each], width)]


def _marks(row: Sequence[Cell]) -> Line:
    """Neighbours of one kind as one span."""
    spans: list[Span] = []
    for cell in row:
        glyph, style = MARKS[cell.mark]
        if spans and spans[-1][1] == style:
            spans[-1] = (spans[-1][0] + glyph, style)
        else:
            spans.append((glyph, style))
    return tuple(spans)


def _gaps(report: Report, width: int, zone: Zone) -> list[Part]:
    gaps = report.gaps()
    if not gaps:
        return []
    headings = (Heading("from"), Heading("slot", True), Heading("for", True), Heading("cause"))
    rows = [[(clock(gap.begin, zone), ""), (str(gap.slot), "bold"), (length(gap.length_s), "warm"), (gap.cause, "")]
            for gap in gaps[:SHOWN_GAPS]]  # fmt: skip
    of = f"{SHOWN_GAPS} of {len(gaps):,}" if len(gaps) > SHOWN_GAPS else ""
    return [rule("longest gaps", of, width), table(headings, rows)]


def _folded(texts: Iterable[str], width: int) -> list[str]:
    return [line for text in texts for line in fold(clean(text), width, initial_indent="* ", subsequent_indent="  ")]
