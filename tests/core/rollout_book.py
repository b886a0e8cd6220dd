"""Rollouts asked of a whole agent, and what it says of them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from autohealer.core import events
from autohealer.core.actions import (
    AnswerOperation,
    EmitEvent,
    SignalWorker,
    SpawnWorker,
    WritePlan,
)
from autohealer.core.model import (
    AgentEntry,
    RevisionEntry,
    Sense,
    Verdict,
)
from autohealer.core.notices import as_fields
from autohealer.core.operations import Operation, Outcome
from autohealer.core.pool.restarts import Restarts
from autohealer.core.rollout_spec import RolloutOrder, RolloutSpec
from tests.core.playbook import ME, MZXID, OTHER, Playbook

TERM = 15
UPDATE = RolloutSpec("update", "op", "ann@web1", 1, 2, hash="new", soak_s=10.0, reversible=True)
RESTART = RolloutSpec("restart", "op", "ann@web1", 1, 2, hash="same", lenient=True)


def order(spec: RolloutSpec, request: str | None = None) -> RolloutOrder:
    return RolloutOrder(spec, Operation(spec.id, spec.verb, spec.worker or "", "ann@web1", request=request))


def ask(book: Playbook, spec: RolloutSpec, request: str | None = None) -> None:
    book.tell(events.RolloutRequested, order(spec, request))


def live(book: Playbook, seconds: float, bad: int | None = None) -> None:
    """Time passes: what is started registers, what is asked to stop stops; lives of revision ``bad`` die at once."""
    until = book.now + seconds
    while book.now < until:
        dying = [o.worker for o in book.orders if isinstance(o, SpawnWorker) and o.revision == bad]
        for worker in book.spawn():
            if worker in dying:
                book.tell(events.ProcessExited, worker, 1, None)
            else:
                book.tell(events.RegistrationSeen, worker)
        for signal in book.take(SignalWorker):
            book.tell(events.ProcessExited, signal.worker, None, "SIGTERM")
        book.wait(0.25)


def slots(book: Playbook) -> dict[int | None, tuple[str | None, int]]:
    return {view.slot: (view.worker, view.revision) for view in book.supervisor.snapshot(book.now).workers}


def entry(book: Playbook) -> RevisionEntry:
    revision = book.supervisor.snapshot(book.now).agents[ME.agent].revision  # type: ignore[union-attr]  # its own entry
    assert revision is not None
    return revision


def told(book: Playbook) -> dict[str, list[dict[str, Any]]]:
    """What people were told since the last time, by event."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in book.take(EmitEvent):
        found.setdefault(each.notice.event, []).append(as_fields(each.notice))
    return found


def answers(book: Playbook) -> list[tuple[Outcome, str, int]]:
    return [(a.answer.outcome, a.answer.detail, a.answer.code) for a in book.take(AnswerOperation)]


def condemn(book: Playbook, worker: str, *, recovered: bool = False) -> None:
    """The worker is over its memory limit, or not any more."""
    life = book.supervisor._workers.lives.of(worker)
    assert life is not None
    book.supervisor._workers.recycle(life, None if recovered else Verdict(Sense.MEMORY, "too much"))


def account(book: Playbook, slot: int) -> Restarts:
    place = book.supervisor._workers.slots.at(slot)
    assert place is not None
    return place.restarts


def exchanges(book: Playbook, seconds: float) -> list[float]:
    """When slot 0 got a new worker, where each is over its limit from its start on."""
    known, times, until = slots(book)[0][0], [], book.now + seconds
    while book.now < until:
        worker = slots(book)[0][0]
        if worker is not None:
            condemn(book, worker)
        if worker not in {None, known}:
            known = worker
            times.append(book.now)
        live(book, 0.25)
    return times


# ---- several agents


def peer(**revision: Any) -> AgentEntry:
    return replace(OTHER, revision=RevisionEntry(**{"number": 1, "hash": "", **revision}))


def lead(book: Playbook, **others: AgentEntry) -> None:
    mine = book.supervisor.snapshot(book.now).agents[ME.agent]
    book.tell(events.AgentsRead, {ME.agent: mine, **others})


def settle_plan(book: Playbook) -> str | None:
    """Each plan that is written is read again, until none is; whose turn it is then."""
    while writes := book.take(WritePlan):
        book.tell(events.PlanRead, writes[-1].plan, MZXID + 2)
    book.wait(1)
    while writes := book.take(WritePlan):
        book.tell(events.PlanRead, writes[-1].plan, MZXID + 2)
    plan = book.supervisor._membership.leader.standing
    assert plan is not None
    return plan.turn
