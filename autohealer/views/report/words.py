"""What the terminal and the page say in the same words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from math import floor, isinf

from autohealer.views.report.model import Bucket, Report
from autohealer.views.units import count, duration, milliseconds

SHOWN_ENDINGS = 3

Zone = tzinfo | None
"""In which moments are shown; None: this host's own."""


def percent(part: float | None) -> str:
    """With two decimals, more only beyond 99.99; never rounded up to 100 % of what is not all."""
    if part is None:
        return "-"
    if part >= 1.0:
        return "100 %"
    decimals = 2 if part < 0.9999 else 4
    shown = floor(part * 100 * 10**decimals) / 10**decimals
    return f"{min(shown, 99.9999):.{decimals}f} %"


def length(seconds: float) -> str:
    """How long: 0.7 ms, 3.4 s, 42 s, 1m 22s."""
    if seconds < 10:
        return milliseconds(seconds * 1000)
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)


def day(unix_s: float, zone: Zone = UTC) -> str:
    """The date."""
    return datetime.fromtimestamp(unix_s, zone).strftime("%Y-%m-%d")


def clock(unix_s: float, zone: Zone = UTC) -> str:
    """The time of day."""
    return datetime.fromtimestamp(unix_s, zone).strftime("%H:%M:%S")


def window(report: Report, zone: Zone = UTC) -> str:
    """From when to when."""
    begin, end = day(report.since, zone), day(report.until, zone)
    last = f"{'' if end == begin else f'{end} '}{clock(report.until, zone)}"
    return f"{begin} {clock(report.since, zone)} to {last}{'' if zone is None else ' UTC'}"


def tick(unix_s: float, whole_s: float, zone: Zone = UTC) -> str:
    """A moment on an axis that spans ``whole_s`` seconds."""
    form = "%H:%M:%S" if whole_s < 600 else "%H:%M" if whole_s < 86_400 else "%m-%d %H:%M"
    return datetime.fromtimestamp(unix_s, zone).strftime(form)


def bucket_range(bucket: Bucket) -> str:
    """The bounds of a bucket in the unit that suits them: 0.2-0.5 ms, 0.5-1 s."""
    if isinf(bucket.high):
        return f"from {bucket.low / 1000:g} s"
    divisor, unit = (1.0, "ms") if bucket.high < 1000 else (1000.0, "s")
    return f"{bucket.low / divisor:g}-{bucket.high / divisor:g} {unit}"


def notes(report: Report, zone: Zone = UTC) -> list[str]:
    """What a reader has to know about the figures."""
    return list(_notes(report, zone))


def _notes(report: Report, zone: Zone) -> Iterable[str]:
    if report.asked is not None and report.since - report.asked >= 1:
        yield f"the log goes back no further than {length(report.length_s)}: that is what this report covers"
    for ending in report.endings[-SHOWN_ENDINGS:]:
        yield f"the agent was told to end at {clock(ending.at, zone)}: {ending.cause}"
    if not report.is_watched:
        yield "no agent runs here now: the report ends with the last event in the log"
    if report.target_guessed:
        yield f"the log does not say how many were wanted at first: taken for {report.levels[0].wanted}, as many as ran"
    if report.unknown_s > 0:
        yield f"of {length(report.unknown_s)} of worker-time nothing is known and nothing is counted: no agent saw it"
    if report.reading.unreadable:
        yield f"{count(report.reading.unreadable, 'line')} of the log could not be read"
    if report.reading.set_back_s:
        yield f"the clock was set back by {length(report.reading.set_back_s)}: what went before is drawn too short"
