"""Which notices are to be sent: conditions of pools that go on, and the rules that say who is told of them, and when.

Pure: events and moments in, notices out. A condition is true from one event to another; a rule sends an alarm once it
has been true for so long, a reminder now and then while it goes on, and one "recovered" for each alarm that it sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import msgspec

from autohealer.core import notices as n
from autohealer.core.notices import EventRecord

CRASH_LOOP, HELD, BELOW, UNDONE, LEADER_LOST = "crash-loop", "held", "below-target", "rollout-undone", "leader-lost"
RECOVERED = "recovered"
CALM_S = 30.0
"""A slot whose worker has lived so long after a backoff is in a crash loop no more."""


class Rule(msgspec.Struct, frozen=True):
    """Who is told of what: ``for_s`` a condition must have lasted, ``every_s`` lie between two notices of the same."""

    on: frozenset[str]
    for_s: float = 0.0
    every_s: float = 900.0


class Alarm(msgspec.Struct, frozen=True):
    """One notice. ``notice`` is the condition, or ``recovered`` from ``of``; ``since`` is the event's time."""

    rule: int
    pool: str
    notice: str
    of: str
    since: str
    text: str
    event: EventRecord
    again: bool = False


class _AlarmCondition(msgspec.Struct):
    """Something that is true of a pool."""

    pool: str
    name: str
    since: float
    text: str
    event: EventRecord


class _Sent(msgspec.Struct):
    """What a rule has sent of one condition: when at last, and whether an alarm of it stands."""

    at: float = -inf
    stands: bool = False
    last: _AlarmCondition | None = None


class _PoolFacts(msgspec.Struct):
    """What the conditions of one pool follow from."""

    loops: dict[int | None, float] = msgspec.field(default_factory=dict)
    """The slots in a crash loop, each with the moment at which it is one no more."""
    held: set[str] = msgspec.field(default_factory=set)


class Alarms:
    """Follows the events of all pools of an agent. ``now`` is monotonic and never goes back."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._pools: dict[str, _PoolFacts] = {}
        self._conditions: dict[tuple[str, str], _AlarmCondition] = {}
        self._sent: dict[tuple[int, str, str], _Sent] = {}

    def take(self, now: float, pool: str, event: EventRecord) -> list[Alarm]:
        """An event; what is to be sent now."""
        match event.notice:
            case n.WorkerNotice() as notice:
                self._note_loops(now, pool, notice, event)
                self._note_held(now, pool, notice, event)
            case n.PoolBelow(running=running, share=share):
                self._set(now, pool, BELOW, f"{running} of {share} workers are ready", event)
            case n.PoolRecovered():
                self._clear(pool, BELOW)
            case n.LeaderLost(leader=leader):
                self._set(now, pool, LEADER_LOST, f"agent {leader} leads no more", event)
            case n.LeaderElected():
                self._clear(pool, LEADER_LOST)
            case n.RolloutUndone() as undone:
                return [*self._undone(pool, undone, event), *self.tick(now)]
        return self.tick(now)

    def tick(self, now: float) -> list[Alarm]:
        """What is to be sent because time has passed."""
        for pool, state in self._pools.items():
            state.loops = {slot: calm_at for slot, calm_at in state.loops.items() if calm_at > now}
            if not state.loops:
                self._clear(pool, CRASH_LOOP)
        return [alarm for number, rule in enumerate(self._rules) for alarm in self._due(now, number, rule)]

    def next_deadline(self) -> float:
        """When `tick` is to be called at the latest; infinity where nothing comes by itself."""
        calm = [calm_at for state in self._pools.values() for calm_at in state.loops.values()]
        due = [
            max(condition.since + rule.for_s, self._sent_of(number, pool, name).at + rule.every_s)
            for number, rule in enumerate(self._rules)
            for (pool, name), condition in self._conditions.items()
            if name in rule.on
        ]
        return min([*calm, *due], default=inf)

    def _note_loops(self, now: float, pool: str, notice: n.WorkerNotice, event: EventRecord) -> None:
        loops, slot = self._pools.setdefault(pool, _PoolFacts()).loops, notice.slot
        match notice:
            case n.WorkerBackoff():
                loops[slot] = inf
                text = f"a worker fails again and again (slot {slot}): {_reason(notice)}"
                self._set(now, pool, CRASH_LOOP, text, event)
            case n.WorkerStarted() | n.WorkerPromoted() if slot in loops:
                loops[slot] = now + CALM_S
            case n.WorkerExited() | n.WorkerFaulty() if slot in loops:
                loops[slot] = inf
            case n.WorkerDone():
                loops.pop(slot, None)

    def _note_held(self, now: float, pool: str, notice: n.WorkerNotice, event: EventRecord) -> None:
        held, worker = self._pools.setdefault(pool, _PoolFacts()).held, str(notice.worker)
        match notice:
            case n.WorkerHeld(cause=cause, detail=detail):
                held.add(worker)
                self._set(now, pool, HELD, f"worker {worker} is faulty, and is held: {cause}: {detail}", event)
            case n.WorkerFaulty() | n.WorkerExited() | n.WorkerStopped() | n.WorkerReady():
                held.discard(worker)
                if not held:
                    self._clear(pool, HELD)

    def _set(self, now: float, pool: str, name: str, text: str, event: EventRecord) -> None:
        condition = self._conditions.setdefault((pool, name), _AlarmCondition(pool, name, now, text, event))
        condition.text, condition.event = text, event

    def _clear(self, pool: str, name: str) -> None:
        self._conditions.pop((pool, name), None)

    def _sent_of(self, rule: int, pool: str, name: str) -> _Sent:
        return self._sent.setdefault((rule, pool, name), _Sent())

    def _due(self, now: float, number: int, rule: Rule) -> Iterator[Alarm]:
        for (pool, name), condition in self._conditions.items():
            sent = self._sent_of(number, pool, name)
            if name in rule.on and now >= condition.since + rule.for_s and now >= sent.at + rule.every_s:
                yield _alarm(number, condition, again=sent.stands)
                sent.at, sent.stands, sent.last = now, True, condition
        for (of, pool, name), sent in self._sent.items():
            if of != number or not sent.stands or (pool, name) in self._conditions or sent.last is None:
                continue
            sent.stands = False
            if RECOVERED in rule.on:
                yield Alarm(
                    number, pool, RECOVERED, name, str(sent.last.event.time), f"no longer: {sent.last.text}",
                    sent.last.event,
                )  # fmt: skip

    def _undone(self, pool: str, undone: n.RolloutUndone, event: EventRecord) -> Iterator[Alarm]:
        """A moment, and nothing that goes on: each is told."""
        text = f"a rollout was undone: {undone.detail or undone.verb}"
        for number, rule in enumerate(self._rules):
            if UNDONE in rule.on:
                yield Alarm(number, pool, UNDONE, UNDONE, str(event.time), text, event)


def _alarm(number: int, condition: _AlarmCondition, *, again: bool) -> Alarm:
    name, event = condition.name, condition.event
    return Alarm(number, condition.pool, name, name, str(event.time), condition.text, event, again)


def _reason(notice: n.WorkerBackoff) -> str:
    """Why, and the last line that the worker wrote."""
    return f"{notice.reason}: {notice.output[-1]}" if notice.output else notice.reason
