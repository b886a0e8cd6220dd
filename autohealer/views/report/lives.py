"""Events folded into lives: when each slot had a worker, what ended it, how long heals took, how many were wanted.

The log is not all that happened. A worker whose end is not in it was up until something was last heard, and of the
time until the next word of its slot nothing is known. It began somewhere, too: who is seen to end there first, was up
for as long as it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import msgspec

from autohealer.core import notices as n
from autohealer.views.report.log import Log, LoggedEvent
from autohealer.views.report.model import AgentEnding, Death, Heal, Stretch
from autohealer.views.unproven import Unproven

MOST_WANTED = 10_000_000
AS_ASKED = "asked to stop"
UNSEEN = "unseen"
STAYS = "autohealer drain"
"""The cause of a drain after which the agent stays."""


class SlotLives(msgspec.Struct):
    """What each slot went through from ``begin`` on, the first moment of the log."""

    begin: float
    up: dict[int, list[Stretch]] = msgspec.field(default_factory=dict)
    unknown: dict[int, list[Stretch]] = msgspec.field(default_factory=dict)
    ends: dict[int, list[tuple[float, str]]] = msgspec.field(default_factory=dict)
    """Of each slot when workers ended, or were found faulty, and why."""
    deaths: list[Death] = msgspec.field(default_factory=list)
    heals: list[Heal] = msgspec.field(default_factory=list)
    wanted: list[tuple[float, int]] = msgspec.field(default_factory=list)
    """From when on so many slots were wanted."""
    endings: list[AgentEnding] = msgspec.field(default_factory=list)
    starts_whole: bool = False
    """Whether the log begins with the first start of an agent, so that nothing went before."""


class _SlotTrack(msgspec.Struct):
    worker: str | None = None
    up_since: float | None = None
    faulty_at: float | None = None
    verdict: str = ""
    """The sense that found it faulty."""
    ended: str | None = None
    free_since: float | None = None
    cause: str = ""
    missing: bool = False


def fold(log: Log, until: float, standing: Mapping[int, str] | None = None) -> SlotLives:
    """The lives in the log; what is up at its end, is so ``until``.

    ``standing`` are the workers that run now, by slot, where an agent can be asked: of one that has lived for longer
    than the log goes back, nothing else is heard.
    """
    return _Fold(log).run(until, standing or {})


class _Fold:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._lives = SlotLives(log.entries[0].at if log.entries else 0.0)
        self._slots: dict[int, _SlotTrack] = {}
        self._heard = self._lives.begin
        self._connected: tuple[float, float] | None = None
        self._ended = self._emptied = False
        self._share = 0
        self._adopting = self._settling = False
        self._gap = (0.0, 0.0)
        self._unproven: Unproven[Heal] = Unproven()

    def run(self, until: float, standing: Mapping[int, str]) -> SlotLives:
        """Fold it all."""
        lives = self._lives
        lives.starts_whole = _begins_a_life(self._log.entries)
        for entry, agent in zip(self._log.entries, self._log.agents, strict=True):
            self._take(entry, agent)
            self._heard = entry.at
        if self._settling:
            self._settle()
        for number, worker in standing.items():
            slot = self._slot(number)
            if slot.up_since is None and slot.worker is None and not lives.starts_whole:
                self._rise(slot, worker, lives.begin)
        for number, slot in self._slots.items():
            self._fall(number, slot, until)
            if slot.faulty_at is not None:
                slot.cause = slot.verdict
                self._note_end(number, slot, until)
        return lives

    def _take(self, entry: LoggedEvent, agent: str | None) -> None:
        at, event, notice = entry
        is_adoption = isinstance(notice, n.WorkerAdopted)
        if is_adoption and not self._adopting:
            self._new_life(at, self._heard)
            self._adopting = True
        elif self._adopting and not is_adoption:
            self._adopting = False
            self._settle(again=True)
        match notice:
            case n.WorkerNotice():
                if (none := self._unproven.take(notice)) is not None:
                    _remove_last(self._lives.heals, none)
                self._worker(at, notice)
            case n.ZooKeeperConnected():
                self._connected = (at, self._heard)
            case n.TargetChanged(former=None):
                self._target_found()
            case n.PlanChanged(shares=shares) if not self._ended:
                self._planned(at, shares, agent)
            case n.AgentDraining(cause=cause):
                self._draining(at, cause)
        if not event.startswith(("zookeeper.", "agent.", "leader.", "target.")):
            self._connected = None

    # ---- the agent's own lives

    def _new_life(self, at: float, heard: float) -> None:
        """Another process of the agent begins to write; who was up may have ended unseen."""
        self._ended = False
        self._gap = (heard, at)
        for slot in self._slots.values():
            slot.missing = slot.up_since is not None

    def _settle(self, *, again: bool = False) -> None:
        """Adoption is over: who was up and was not adopted is gone, since nobody knows when."""
        heard, at = self._gap
        for number, slot in self._slots.items():
            if slot.missing:
                slot.missing = False
                self._lose(number, slot, heard, at)
        self._settling = again

    def _target_found(self) -> None:
        """Every life of an agent finds a target once."""
        if self._settling:  # and this one began with adoptions
            self._settling = False
        elif self._connected is not None:
            self._new_life(*self._connected)
            self._settle()

    def _planned(self, at: float, shares: Mapping[str, int], agent: str | None) -> None:
        if not shares:  # a plan names every agent that lives: this one could not be read
            return
        share = shares.get(agent, 0) if agent is not None else sum(filter(_is_count, shares.values()))
        if _is_count(share):
            self._share = share
            self._lives.wanted.append((at, share))

    def _draining(self, at: float, cause: str) -> None:
        """From now on it is meant to have none."""
        self._ended = cause != STAYS
        self._emptied = not self._ended
        self._lives.wanted.append((at, 0))
        if self._ended:
            self._lives.endings.append(AgentEnding(at, cause))

    # ---- workers

    def _worker(self, at: float, notice: n.WorkerNotice) -> None:
        number, worker = notice.slot, notice.worker
        if number is None or not 0 <= number <= 10 * MOST_WANTED:
            return
        slot = self._slot(number)
        if isinstance(notice, n.WorkerBackoff):
            if not slot.cause and slot.up_since is None:  # the only word of a process that never came to be
                slot.cause = notice.reason
                self._note_end(number, slot, at)
            return
        if worker is None:
            return
        match notice:
            case n.WorkerStarted(heal_ms=heal_ms) | n.WorkerPromoted(heal_ms=heal_ms):
                self._started(at, number, slot, worker, heal_ms)
            case n.WorkerAdopted():
                self._adopted(at, number, slot, worker)
            case n.WorkerReady() if slot.worker is None:
                self._rise(slot, worker, self._lives.begin)  # its start was cut off with the older part of the log
            case n.WorkerFaulty(cause=cause) if slot.worker == worker and slot.faulty_at is None:
                slot.faulty_at, slot.verdict = at, cause
            case n.WorkerExited(uptime=uptime, cause=cause):
                if self._gone(at, number, worker, uptime, cause):
                    self._lives.deaths.append(Death(at, number, cause))
            case n.WorkerStopped(uptime=uptime):
                self._gone(at, number, worker, uptime, AS_ASKED)

    def _started(self, at: float, number: int, slot: _SlotTrack, worker: str, heal_ms: float | None) -> None:
        if heal_ms is not None and _is_time(heal_ms):
            self._lives.heals.append(heal := Heal(at, number, heal_ms, slot.cause or UNSEEN))
            self._unproven.add(worker, heal)
        if slot.up_since is not None and slot.worker != worker:
            self._lose(number, slot, self._heard, at)
        if self._emptied and slot.cause == AS_ASKED:
            # Nobody starts again what a drain has stopped, unless it was undone; where the plan is what it was, no
            # other event says so.
            self._emptied = False
            self._lives.wanted.append((at, self._share))
        if slot.up_since is None:
            self._rise(slot, worker, at)

    def _adopted(self, at: float, number: int, slot: _SlotTrack, worker: str) -> None:
        slot.missing = False
        if slot.up_since is not None and slot.worker != worker:
            self._lose(number, slot, self._heard, at)
        if slot.up_since is None:
            # It was there before the agent was, and its start has not been logged.
            if slot.free_since is not None and slot.free_since < at:
                self._lives.unknown.setdefault(number, []).append(Stretch(slot.free_since, at))
            self._rise(slot, worker, at if slot.free_since is not None else self._lives.begin)

    def _gone(self, at: float, number: int, worker: str, uptime: float, cause: str) -> bool:
        """Its end is told; whether that is news."""
        slot = self._slot(number)
        if slot.ended == worker:
            return False
        if slot.worker != worker:
            began = at - uptime if _is_time(uptime) else self._lives.begin
            began = min(at, max(began, self._lives.begin, slot.free_since or self._lives.begin))
            if slot.up_since is not None:
                began = max(began, slot.up_since)
                self._lose(number, slot, min(self._heard, began), began)
            self._rise(slot, worker, began)
        self._fall(number, slot, at)
        slot.ended = worker
        slot.cause = cause
        self._note_end(number, slot, at)
        return True

    # ---- a slot's time

    def _slot(self, number: int) -> _SlotTrack:
        return self._slots.setdefault(number, _SlotTrack())

    def _rise(self, slot: _SlotTrack, worker: str, at: float) -> None:
        slot.worker, slot.up_since, slot.faulty_at, slot.missing = worker, at, None, False
        slot.cause = ""

    def _fall(self, number: int, slot: _SlotTrack, at: float) -> None:
        """The present life ends, for the pool's purposes with the moment at which it was found faulty."""
        if slot.up_since is not None:
            end = at if slot.faulty_at is None else min(at, slot.faulty_at)
            if end > slot.up_since:
                self._lives.up.setdefault(number, []).append(Stretch(slot.up_since, end))
            slot.free_since = end
            slot.up_since = None

    def _lose(self, number: int, slot: _SlotTrack, heard: float, at: float) -> None:
        """It ended between these moments."""
        heard = max(heard, slot.up_since or heard)
        self._fall(number, slot, heard)
        if at > heard:
            self._lives.unknown.setdefault(number, []).append(Stretch(heard, at))
        slot.free_since, slot.cause = max(heard, at), UNSEEN
        self._note_end(number, slot, slot.free_since)

    def _note_end(self, number: int, slot: _SlotTrack, at: float) -> None:
        since = min(at, slot.faulty_at) if slot.faulty_at is not None else at
        self._lives.ends.setdefault(number, []).append((since, slot.cause))
        slot.faulty_at = None


def _begins_a_life(entries: tuple[LoggedEvent, ...]) -> bool:
    """Whether the first start of an agent comes before the first word of a worker."""
    for entry in entries:
        match entry.notice:
            case n.TargetChanged(former=None):
                return True
            case n.WorkerNotice():
                return False
    return False


def _remove_last(heals: list[Heal], heal: Heal) -> None:
    """From the end, where it stands as a rule: a crash loop is nothing but such ones."""
    for index in range(len(heals) - 1, -1, -1):
        if heals[index] is heal:
            del heals[index]
            return


def _is_count(value: int) -> bool:
    return 0 <= value <= MOST_WANTED


def _is_time(value: float) -> bool:
    return isfinite(value) and 0 <= value < 1e15
