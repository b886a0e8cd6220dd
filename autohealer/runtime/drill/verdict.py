"""What came of a drill, by the pool's own events: what held, and how long it took. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from autohealer.core import notices as n
from autohealer.core.notices import EventRecord
from autohealer.views.units import unix

ENDED = n.WorkerExited | n.WorkerStopped
STARTED = n.WorkerStarted | n.WorkerPromoted


class DrilledWorker(msgspec.Struct, frozen=True):
    """One that ran when the drill began."""

    worker: str
    slot: int | None
    pid: int


class Touched(msgspec.Struct, frozen=True):
    """What became of a worker that the drill touched; milliseconds since the fault, None for what never came."""

    worker: str
    slot: int | None
    cause: str | None
    noticed_ms: float | None
    decided_ms: float | None
    healed_ms: float | None
    ready_ms: float | None
    replacement: str | None


class DrillVerdict(msgspec.Struct):
    """``problems`` are promises that did not hold, in words; none: it held."""

    kind: str
    began: float
    seconds: float
    target: int
    touched: list[Touched]
    lowest: int
    problems: list[str] = msgspec.field(default_factory=list)
    events: list[EventRecord] = msgspec.field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether all did."""
        return not self.problems


class Drilled(msgspec.Struct, frozen=True):
    """What was done: when (Unix time), to whom, and who ran then and runs now."""

    kind: str
    began: float
    ended: float
    victims: Sequence[DrilledWorker]
    before: Sequence[DrilledWorker]
    after: Sequence[DrilledWorker]
    replaces: bool


def judge(drilled: Drilled, events: Sequence[EventRecord]) -> DrillVerdict:
    """Judge by the events since it began."""
    story = [event for event in events if (unix(event.time) or 0.0) >= drilled.began]
    touched = [_touched(victim, story, drilled.began) for victim in drilled.victims]
    verdict = DrillVerdict(
        kind=drilled.kind,
        began=drilled.began,
        seconds=drilled.ended - drilled.began,
        target=len(drilled.before),
        touched=touched,
        lowest=_lowest(len(drilled.before), story),
        events=story,
    )
    verdict.problems += _problems(drilled, touched)
    return verdict


def _problems(drilled: Drilled, touched: Sequence[Touched]) -> list[str]:
    problems = []
    if drilled.replaces:
        problems += [f"nobody noticed what happened to {one.worker}" for one in touched if one.noticed_ms is None]
        problems += [
            f"{one.worker} was not replaced" for one in touched if one.noticed_ms is not None and one.healed_ms is None
        ]
    victims = {victim.worker for victim in drilled.victims} if drilled.replaces else set()
    after = {worker.worker for worker in drilled.after}
    innocent = [worker.worker for worker in drilled.before if worker.worker not in victims | after]
    problems += [f"{worker} was not touched, and is gone" for worker in innocent]
    if len(after) != len(drilled.before):
        problems.append(f"{len(drilled.before)} workers ran before, {len(after)} run now")
    return problems


def _touched(victim: DrilledWorker, story: Sequence[EventRecord], began: float) -> Touched:
    name = victim.worker
    noticed = _first(story, lambda e: isinstance(e, n.WorkerExited | n.WorkerFaulty) and e.worker == name)
    stopped = _first(story, lambda e: isinstance(e, ENDED) and e.worker == name)
    heir = _first(story, lambda e: isinstance(e, STARTED) and e.slot == victim.slot and e.worker != name)
    new = heir.notice.worker if heir is not None and isinstance(heir.notice, STARTED) else None
    ready = None
    if heir is not None:
        ready = _first(story, lambda e: isinstance(e, n.WorkerReady) and e.worker == new)
    return Touched(
        worker=victim.worker,
        slot=victim.slot,
        cause=None if noticed is None else _cause(noticed.notice),
        noticed_ms=_after(noticed, began),
        decided_ms=_after(stopped, began),
        healed_ms=_after(heir, began),
        ready_ms=_after(ready, began),
        replacement=new,
    )


def _cause(notice: n.Notice | None) -> str | None:
    return notice.cause if isinstance(notice, n.WorkerExited | n.WorkerFaulty) else None


def _first(story: Sequence[EventRecord], wanted: Callable[[n.Notice | None], bool]) -> EventRecord | None:
    return next((event for event in story if wanted(event.notice)), None)


def _after(event: EventRecord | None, began: float) -> float | None:
    moment = None if event is None else unix(event.time)
    return None if moment is None else round((moment - began) * 1000, 3)


def _lowest(running: int, story: Sequence[EventRecord]) -> int:
    """The fewest that ran at once, from start to end of the story."""
    lowest = running
    for event in story:
        if isinstance(event.notice, ENDED):
            running -= 1
        elif isinstance(event.notice, STARTED | n.WorkerAdopted):
            running += 1
        lowest = min(lowest, running)
    return lowest
