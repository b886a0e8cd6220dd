"""The nouns of a report. Moments are Unix times, durations seconds, unless a name says otherwise."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import msgspec


class Death(NamedTuple):
    """A worker ended, and nobody had asked it to."""

    at: float
    slot: int
    cause: str


class Heal(NamedTuple):
    """Another one runs in its place, ``ms`` milliseconds later."""

    at: float
    slot: int
    ms: float
    cause: str


class Stretch(NamedTuple):
    """A while in which nothing changed."""

    begin: float
    end: float

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.end - self.begin


class Gap(NamedTuple):
    """A while in which a slot that was wanted had no worker, or one that was found faulty."""

    begin: float
    end: float
    slot: int
    cause: str

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.end - self.begin


class Level(NamedTuple):
    """From ``at`` on so many workers were up, of so many it is not known, and so many were wanted."""

    at: float
    up: int
    unknown: int
    wanted: int


class AgentEnding(NamedTuple):
    """An agent was told to end, or gave up."""

    at: float
    cause: str


class SlotStory(msgspec.Struct, frozen=True):
    """One slot in the window. ``availability`` is None where it was never wanted, or nothing is known of it."""

    slot: int
    up: tuple[Stretch, ...]
    unknown: tuple[Stretch, ...]
    gaps: tuple[Gap, ...]
    deaths: tuple[Death, ...]
    up_s: float
    down_s: float

    @property
    def availability(self) -> float | None:
        """The part of the time in which it was wanted and known that it was up."""
        return _part(self.up_s, self.up_s + self.down_s)


class HealTimes(msgspec.Struct, frozen=True):
    """Heal times in milliseconds, sorted."""

    ms: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.ms)

    def percentile(self, fraction: float) -> float | None:
        """What so large a part of them kept within; None without any."""
        return self.ms[max(0, ceil(fraction * len(self.ms)) - 1)] if self.ms else None


class CauseStory(msgspec.Struct, frozen=True):
    """Deaths of one cause, the heals that followed, and for how long slots were down over it in all."""

    cause: str
    deaths: int
    heals: HealTimes
    down_s: float


class Bucket(NamedTuple):
    """So many heals took from ``low`` up to ``high`` milliseconds, the latter not included."""

    low: float
    high: float
    heals: int


class Reading(msgspec.Struct, frozen=True):
    """What was read to make the report."""

    events: int
    unreadable: int
    """Lines, or events without a time, that had to be passed over."""
    set_back_s: float
    """By how much the clock was set back in all."""


class Report(msgspec.Struct, frozen=True):
    """What happened in a window. ``since`` is where it really begins: the log may begin later than was ``asked``."""

    agent: str | None
    asked: float | None
    since: float
    until: float
    is_watched: bool
    """Whether an agent runs now, so that what it wrote last still holds."""
    wanted_s: float
    """Worker-seconds that were wanted, less those of which nothing is known."""
    running_s: float
    unknown_s: float
    below_s: float
    """Seconds in which fewer workers ran than were wanted, by however many."""
    most_wanted: int
    target_guessed: bool
    """The log does not say what was wanted; the report takes what was there."""
    deaths: tuple[Death, ...]
    heals: tuple[Heal, ...]
    times: HealTimes
    causes: tuple[CauseStory, ...]
    slots: tuple[SlotStory, ...]
    levels: tuple[Level, ...]
    """The first one at ``since``, the last one holds until ``until``."""
    endings: tuple[AgentEnding, ...]
    reading: Reading

    @property
    def length_s(self) -> float:
        """How long the window is."""
        return self.until - self.since

    @property
    def availability(self) -> float | None:
        """The part of the wanted worker-time in which workers ran; None where nothing was wanted."""
        return _part(self.running_s, self.wanted_s)

    def gaps(self) -> list[Gap]:
        """All gaps of all slots, the longest first."""
        found = [gap for story in self.slots for gap in story.gaps]
        return sorted(found, key=lambda gap: (-gap.length_s, gap.begin, gap.slot))

    def worst_slots(self) -> list[SlotStory]:
        """The slots, those first that were down longest, then those that died most often."""
        return sorted(self.slots, key=lambda story: (-story.down_s, -len(story.deaths), story.slot))


def buckets(times: HealTimes) -> list[Bucket]:
    """The histogram: bounds at 1, 2 and 5 times the powers of ten, without empty buckets at either end."""
    if not times:
        return []
    found: list[Bucket] = []
    done = 0
    for low, high in _bounds(times.ms[0], times.ms[-1]):
        count = bisect_left(times.ms, high, done) - done
        if count or found:
            found.append(Bucket(low, high, count))
        done += count
    return found


def _bounds(least: float, most: float) -> list[tuple[float, float]]:
    edges = [0.0, *(digit * 10.0**power for power in range(-1, 8) for digit in (1, 2, 5))]
    edges.append(float("inf"))
    return [(low, high) for low, high in pairwise(edges) if high > least and low <= most]


def _part(part: float, whole: float) -> float | None:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else None
