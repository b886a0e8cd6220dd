"""Durations, moments, sizes and shares in as few columns as a person needs."""

from __future__ import annotations

from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """Two units at most: 42s, 3m 07s, 2h 05m, 4d 11h; at most seven columns for ten years to come."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, s = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {s:02}s"
    hours, m = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {m:02}m"
    days, h = divmod(hours, 24)
    return f"{days}d {h:02}h"


def ago(seconds: float) -> str:
    """How long ago, in one unit: now, 42s ago, 3m ago."""
    if seconds < 1:
        return "now"
    return f"{duration(seconds).split()[0]} ago"


def clock(at: float | None, now: float, *, utc: bool = False) -> str:
    """A moment (Unix time) in local time, with the date where that is not today's; ``utc``: in UTC, with a Z."""
    if at is None:
        return "--:--:--.---"
    zone = UTC if utc else None
    then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    date = "" if then.date() == today.date() else f"{then:%Y-%m-%d} "
    return f"{date}{then:%H:%M:%S}.{then.microsecond // 1000:03}{'Z' if utc else ''}"


def milliseconds(value: float) -> str:
    """A short time: 0.9 ms, 12 ms, 3.4 s."""
    if value < 10:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:.1f} s"


def size(count: float) -> str:
    """Bytes in at most five columns: 812K, 12.4M, 1.2G."""
    for unit in "BKMGT":
        if count < 999.5 or unit == "T":
            digits = 1 if unit in "MGT" and count < 99.95 else 0
            return f"{count:.{digits}f}{unit}"
        count /= 1024
    raise AssertionError("the last unit takes all")


def share(fraction: float) -> str:
    """Of one core: 3.2%, 48%, 212%."""
    return f"{fraction * 100:.1f}%" if fraction < 0.0995 else f"{fraction * 100:.0f}%"


def unix(moment: object) -> float | None:
    """An RFC 3339 moment as Unix time; None for what is none."""
    if not isinstance(moment, str):
        return None
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return None


def number(value: int | None) -> str:
    """An integer as people read it."""
    return "?" if value is None else f"{value:,}"


def count(value: int, noun: str) -> str:
    """So many of them: 1 death, 2 deaths."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"
