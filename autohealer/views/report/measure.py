"""Lives and a window in, a report out."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from autohealer.views.report.lives import SlotLives, fold
from autohealer.views.report.log import Log, read_log
from autohealer.views.report.model import (
    CauseStory,
    Death,
    Gap,
    Heal,
    HealTimes,
    Level,
    Reading,
    Report,
    SlotStory,
    Stretch,
)

STARTING = "not started yet"


def report(
    lines: Iterable[str],
    now: float,
    since: float | None = None,
    *,
    is_watched: bool = True,
    standing: Mapping[int, str] | None = None,
) -> Report | None:
    """What the log says of the time after ``since`` (all of it: None) up to ``now``; None where it says nothing.

    Where no agent runs (``is_watched``), it ends with the last event. ``standing`` as in `fold`.
    """
    log = read_log(lines, now)
    if not log.entries:
        return None
    until = now if is_watched else log.entries[-1].at
    begin = log.entries[0].at if since is None else max(since, log.entries[0].at)
    if begin > until:
        return None
    return measure(log, fold(log, until, standing), begin, until, asked=since, is_watched=is_watched)


def measure(log: Log, lives: SlotLives, since: float, until: float, *, asked: float | None, is_watched: bool) -> Report:
    """The window from ``since`` to ``until``; of moments, those after the one and not after the other.

    Where nothing was ``asked``, it is the whole log, and its first moment belongs to it.
    """

    def within(at: float) -> bool:
        return since < at <= until or (asked is None and at == since)

    wanted, guessed = _wanted(lives)
    levels = _cut(_levels(lives, wanted), since, until)
    deaths = tuple(death for death in lives.deaths if within(death.at))
    by_slot: dict[int, list[Death]] = defaultdict(list)
    for death in deaths:
        by_slot[death.slot].append(death)
    slots = (
        _slot(number, lives, wanted, (since, until), by_slot.get(number, []))
        for number in sorted(_numbers(lives, wanted, since, until))
    )
    told = [story for story in slots if story is not None]
    heals = tuple(heal for heal in lives.heals if within(heal.at))
    wanted_s = running_s = unknown_s = below_s = 0.0
    for level, length in _lengths(levels, until):
        unknown = min(level.unknown, max(0, level.wanted - level.up))
        running = min(level.up, level.wanted)
        wanted_s += (level.wanted - unknown) * length
        running_s += running * length
        unknown_s += unknown * length
        below_s += length if running < level.wanted - unknown else 0.0
    return Report(
        agent=log.agents[-1],
        asked=asked,
        since=since,
        until=until,
        is_watched=is_watched,
        wanted_s=wanted_s,
        running_s=running_s,
        unknown_s=unknown_s,
        below_s=below_s,
        most_wanted=max((level.wanted for level in levels), default=0),
        target_guessed=guessed,
        deaths=deaths,
        heals=heals,
        times=HealTimes(tuple(sorted(heal.ms for heal in heals))),
        causes=_causes(deaths, heals, (gap for story in told for gap in story.gaps)),
        slots=tuple(told),
        levels=levels,
        endings=tuple(ending for ending in lives.endings if within(ending.at)),
        reading=Reading(len(log.entries), log.unreadable, log.set_back_s),
    )


# ---- how many were wanted, and how many were up


def _wanted(lives: SlotLives) -> tuple[list[tuple[float, int]], bool]:
    """From when on how many were wanted; what went before the first word of it is taken from who was up then."""
    if lives.starts_whole and lives.wanted:
        return [(lives.begin, 0), *lives.wanted], False
    first = lives.wanted[0][0] if lives.wanted else float("inf")
    ups = [stretch for stretches in lives.up.values() for stretch in stretches if stretch.begin < first]
    changes = sorted([(up.begin, 1) for up in ups] + [(up.end, -1) for up in ups])
    count = most = 0
    for _, change in changes:
        count += change
        most = max(most, count)
    return [(lives.begin, most), *lives.wanted], True


def _levels(lives: SlotLives, wanted: Sequence[tuple[float, int]]) -> list[Level]:
    """Every change, in order of time."""
    changes: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for which, stretches in ((0, lives.up), (1, lives.unknown)):
        for ones in stretches.values():
            for begin, end in ones:
                changes[begin][which] += 1
                changes[end][which] -= 1
    targets = dict(wanted)
    up = unknown = target = 0
    found = []
    for at in sorted(changes.keys() | targets.keys()):
        more_up, more_unknown = changes.get(at, (0, 0))
        up, unknown, target = up + more_up, unknown + more_unknown, targets.get(at, target)
        found.append(Level(at, up, unknown, target))
    return found


def _cut(levels: list[Level], since: float, until: float) -> tuple[Level, ...]:
    first = bisect_right(levels, since, key=lambda level: level.at) - 1
    head = levels[first]._replace(at=since) if first >= 0 else Level(since, 0, 0, 0)
    return (head, *(level for level in levels[first + 1 :] if level.at < until))


def _lengths(levels: Sequence[Level], until: float) -> Iterable[tuple[Level, float]]:
    for index, level in enumerate(levels):
        end = levels[index + 1].at if index + 1 < len(levels) else until
        yield level, end - level.at


# ---- slots


def _numbers(lives: SlotLives, wanted: Sequence[tuple[float, int]], since: float, until: float) -> set[int]:
    """The slots that lived, or were meant to, in the window."""
    known = lives.up.keys() | lives.unknown.keys() | lives.ends.keys()
    in_window = [count for _, end, count in _steps(wanted, until) if end > since]
    # A plan may ask for any number; of slots that the log does not name there is nothing to tell one by one.
    return set(known) | set(range(min(max(in_window, default=0), len(known) + 1)))


def _slot(
    number: int,
    lives: SlotLives,
    wanted: Sequence[tuple[float, int]],
    window: tuple[float, float],
    deaths: Sequence[Death],
) -> SlotStory | None:
    since, until = window
    up = _within(lives.up.get(number, []), since, until)
    unknown = _within(lives.unknown.get(number, []), since, until)
    due = _within([Stretch(begin, end) for begin, end, count in _steps(wanted, until) if count > number], since, until)
    gaps = list(_gaps(number, due, _without(due, [*up, *unknown]), lives.ends.get(number, []), since))
    if not (up or unknown or gaps or deaths):
        return None
    down_s = sum(gap.length_s for gap in gaps)
    not_up_s = sum(stretch.length_s for stretch in _without(due, up))
    return SlotStory(
        slot=number,
        up=tuple(up),
        unknown=tuple(unknown),
        gaps=tuple(gaps),
        deaths=tuple(deaths),
        up_s=max(0.0, sum(stretch.length_s for stretch in due) - not_up_s),
        down_s=down_s,
    )


def _gaps(
    number: int, due: Sequence[Stretch], gaps: Iterable[Stretch], ends: Sequence[tuple[float, str]], since: float
) -> Iterable[Gap]:
    """With the cause of each: what ended the worker there, unless the slot has only just come to be wanted."""
    beginnings = {stretch.begin for stretch in due}
    for begin, end in gaps:
        last = bisect_right(ends, begin, key=lambda ending: ending[0]) - 1
        is_new = last < 0 or (begin in beginnings and since < begin and ends[last][0] < begin)
        if is_new:
            # A start that failed is the only thing that can have happened since.
            failed = ends[last + 1 : last + 2]
            yield Gap(begin, end, number, failed[0][1] if failed and failed[0][0] < end else STARTING)
        else:
            yield Gap(begin, end, number, ends[last][1])


def _without(whole: Iterable[Stretch], parts: Iterable[Stretch]) -> list[Stretch]:
    """What of the whole is in none of the parts; both without overlaps of their own."""
    ordered = sorted(parts)
    found, index = [], 0
    for begin, end in whole:
        while index < len(ordered) and ordered[index].end <= begin:
            index += 1
        at, following = begin, index
        while following < len(ordered) and ordered[following].begin < end:
            if ordered[following].begin > at:
                found.append(Stretch(at, ordered[following].begin))
            at = max(at, ordered[following].end)
            following += 1
        if at < end:
            found.append(Stretch(at, end))
    return found


def _steps(wanted: Sequence[tuple[float, int]], until: float) -> Iterable[tuple[float, float, int]]:
    for index, (begin, count) in enumerate(wanted):
        yield begin, wanted[index + 1][0] if index + 1 < len(wanted) else until, count


def _within(stretches: Iterable[Stretch], since: float, until: float) -> list[Stretch]:
    found: list[Stretch] = []
    for stretch in stretches:
        begin, end = max(stretch.begin, since), min(stretch.end, until)
        if end > begin:
            if found and found[-1].end == begin:
                found[-1] = Stretch(found[-1].begin, end)
            else:
                found.append(Stretch(begin, end))
    return found


# ---- causes


def _causes(deaths: Iterable[Death], heals: Iterable[Heal], gaps: Iterable[Gap]) -> tuple[CauseStory, ...]:
    """The most frequent first. What only kept a slot waiting for its first worker is no cause."""
    counts, times = Counter(death.cause for death in deaths), defaultdict(list)
    down_s: dict[str, float] = defaultdict(float)
    for heal in heals:
        times[heal.cause].append(heal.ms)
    for gap in gaps:
        down_s[gap.cause] += gap.length_s
    found = [
        CauseStory(cause, counts[cause], HealTimes(tuple(sorted(times.get(cause, ())))), down_s.get(cause, 0.0))
        for cause in counts.keys() | times.keys() | down_s.keys() - {STARTING}
    ]
    return tuple(sorted(found, key=lambda story: (-story.deaths, -len(story.heals), -story.down_s, story.cause)))
