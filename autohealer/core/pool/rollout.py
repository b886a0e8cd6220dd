"""One rollout on one agent: its workers are exchanged for another revision (or the same), a few at a time.

Extra lives, the *surges*, are started beside the slots; the first of them is alone until it has been ready for the
``soak``. Then slots are exchanged in the order of their numbers, as many at a time as ready surges stand for; see
``cover``. When a new life fails, what was exchanged goes back in the same way, with no soak, and no good old
worker is stopped for it.

The machine is level-based. ``step`` compares what is (a `Fleet`) with what should be and orders what can be done now;
only the failures of lives come to it as facts (``ended``, ``faulty``).
"""

from __future__ import annotations

from enum import StrEnum
from math import inf

import msgspec

from autohealer.core.model import Instant
from autohealer.core.pool.cover import SurgeCover
from autohealer.core.pool.exchanges import Exchanges
from autohealer.core.pool.fleet import Fleet, FleetLife
from autohealer.core.pool.soak import Soak
from autohealer.core.rollout_spec import RolloutSpec

TRIES = 3
"""How often a new life is started in its place before the rollout is given up."""


class RolloutOutcome(StrEnum):
    """How a rollout ended."""

    DONE = "done"
    UNDONE = "undone"


class Step(msgspec.Struct, frozen=True):
    """Something that people want to see of a rollout, in words."""

    text: str
    exchanged: int
    of: int


class Limits(msgspec.Struct, frozen=True):
    """How long a life may take to be ready and to stop; and how old it is at least before it counts as ready."""

    start_timeout_s: float
    stop_timeout_s: float
    alive_s: float = 0.0


class Rollout:
    """Decides. ``outcome`` is set when it has ended, and then nothing more is ordered.

    ``undo_because``: begin by going back, for this reason: an agent was ended in the middle of this rollout.
    ``without_surges``: there is no room for one; an old life stops before the new one starts.
    """

    def __init__(
        self,
        spec: RolloutSpec,
        fleet: Fleet,
        *,
        limits: Limits,
        undo_because: str = "",
        without_surges: bool = False,
    ) -> None:
        self.spec, self._fleet, self._limits = spec, fleet, limits
        self.steps: list[Step] = []
        """What people are to hear next; whoever tells them empties it."""
        self.outcome: RolloutOutcome | None = None
        self.reason = undo_because
        """Why it was undone, or what lacks where it was forced."""
        self.is_going_back = bool(undo_because)
        """It is being undone."""
        self.is_proven = bool(undo_because)
        """A life of the new revision has soaked."""
        self._began = self._had_workers = False
        self._slots, self._of = Exchanges(), 0
        self._soak = Soak(0.0 if undo_because else spec.soak_s, limits.alive_s)
        self._cover = SurgeCover(
            fleet,
            self._slots,
            self._soak,
            parallel=spec.parallel,
            start_timeout_s=limits.start_timeout_s,
            without_surges=without_surges,
        )
        self._tries: dict[int, int] = {}
        self._failure: str | None = None
        self._ends_at: Instant | None = None

    # ---- what can be asked

    @property
    def of(self) -> int:
        """How many slots it is about."""
        return max(self._slots.all, self._of if self.is_going_back else 0)

    @property
    def exchanged(self) -> int:
        """How many slots have a trusted life of the new revision."""
        return len(self._slots.todo) if self.is_going_back else self._slots.trusted

    @property
    def left(self) -> int:
        """How many slots are still to be exchanged, or to be trusted; 0 once it has ended."""
        return 0 if self.outcome else len(self._slots.todo) + len(self._slots.waited_for)

    def next_deadline(self) -> Instant | None:
        """When ``step`` is to be called next, at the latest."""
        return None if self.outcome else self._soak.next

    def revision_of(self, number: int) -> int:
        """From what the next life of this slot or surge is started: a slot that was not exchanged heals as it was."""
        if number in self._slots.done or number in self._fleet.surges():
            return self._revision
        return self.spec.old

    def judges(self, number: int, life: FleetLife) -> bool:
        """Whether a failure of this life is this rollout's to judge: it is new, and not trusted yet."""
        if self.outcome is not None or life.revision != self._revision:
            return False
        if number in self._slots.done:
            return self._slots.has_new(number, life) and self._slots.waits_for(number)
        return number in self._fleet.surges()

    # ---- facts

    def ended(self, number: int, life: FleetLife, how: str, now: Instant, *, was_asked: bool) -> None:
        """A life has ended by itself; ``was_asked``: somebody had it killed, so it proves nothing."""
        if not self.judges(number, life) or was_asked or self._soak.is_over(life, now):
            return
        if self.spec.lenient and self._soak.was_ready(life, now):
            self._trust(number)
            return
        self._tries[number] = self._tries.get(number, 0) + 1
        if self._tries[number] >= TRIES:
            self._fail(number, f"{self._name(number)} ended {TRIES} times before it could be trusted, the last: {how}")

    def faulty(self, number: int, life: FleetLife, cause: str, now: Instant) -> None:
        """A new life is there and does not do its job, or was not ready in time."""
        if not self.judges(number, life) or self._soak.is_over(life, now):
            return
        if self.spec.lenient and self._soak.was_ready(life, now):
            self._trust(number)
        else:
            self._fail(number, f"{self._name(number)} was faulty: {cause}")

    # ---- decisions

    def step(self, now: Instant) -> None:
        """Order what can be done now."""
        if self.outcome is not None:
            return
        self._soak.begin(now)
        if self._fleet.share is None:
            # What this agent is to run is not known now, and it starts nothing. A slot that is empty is not exchanged.
            self._slots.keep(self._fleet.slots())
            return
        if not self._began:
            self._begin()
        if self._fleet.share == 0:
            self._abandon(now)
            return
        self._slots.look(self._fleet.slots(), self.spec.worker)
        self._cover.look(now)
        self._judge(now)
        if self._failure is not None:
            self._turn_back()
        self._exchange()
        self._cover.tend(self._revision, is_proven=self.is_proven)
        if self._slots.is_through and not self._cover.is_regrouping:
            self._end(now)
        else:
            self._ends_at = None

    def _begin(self) -> None:
        """What an agent that was killed in the middle of it has exchanged need not be exchanged again."""
        self._began = True
        self._had_workers = bool(self._fleet.share)
        self._fleet.reset_backoff()
        for number, life in self._fleet.slots().items():
            if life is not None and life.revision == self.spec.new != self.spec.old:
                self._slots.begin(number, None)
        if self.is_going_back:
            self._slots.turn_back()
            self._of = len(self._fleet.slots())

    def _judge(self, now: Instant) -> None:
        """Trust what has soaked; a life that is ready again and again, and never for long enough, has failed."""
        slots, surges = self._fleet.slots(), self._fleet.surges()
        new = {number: slots.get(number) for number in self._slots.waited_for}
        for number, life in [*new.items(), *([] if self.is_proven else surges.items())]:
            if life is None or life.is_stopping or not self.judges(number, life) or life.first_ready is None:
                continue
            ready_at = self._soak.ready_at(life)
            late = life.first_ready + self._soak.soak_s + self._limits.start_timeout_s
            if self._soak.is_over(life, now) or (now >= late and self.spec.lenient):
                self._trust(number)
            elif now >= late:
                self._fail(number, f"{self._name(number)} was not ready for {self._soak.soak_s:g} s on end")
            else:
                self._soak.wake(min(late, inf if ready_at is None else ready_at + self._soak.soak_s))

    def _trust(self, number: int) -> None:
        self.is_proven = True
        if self._slots.waits_for(number):
            self._slots.settle(number)
            what = "is back" if self.is_going_back else "is new"
            self._say(f"slot {number} {what}")
        else:
            how = f"has been ready for {self._soak.soak_s:g} s" if self._soak.soak_s else "is ready"
            self._say(f"the first new worker {how}")

    def _fail(self, number: int, why: str) -> None:
        """Go back, or, where that was not wanted or is being done already, go on without that one."""
        if not (self.spec.force or self.is_going_back):
            self._failure = self._failure or why
        elif number in self._slots.done:
            self._slots.give_up(number)
            self.is_proven = True
            self._say(f"{why}; going on")
        else:
            self._cover.without_surges = self.is_proven = True
            self._say(f"{why}; going on without surges")

    def _turn_back(self) -> None:
        self.reason, self._failure = str(self._failure), None
        self._of = self._slots.all
        self.is_going_back = self.is_proven = True
        self._soak.soak_s = 0.0
        if self.spec.reversible:
            self._slots.turn_back()
            self._say(f"{self.reason}; going back")
        else:
            self._slots.drop()
        self._tries.clear()

    def _exchange(self) -> None:
        """The next slots: as many as ready surges can stand for, and one where there can be none."""
        slots = self._fleet.slots()
        for number in self._slots.waited_for:
            if slots[number] is None:
                self._fleet.retry(number)
        if self.is_going_back:
            for number in sorted(number for number in self._slots.todo if not self._soak.is_ready(slots[number])):
                self._begin_exchange(number)  # it costs nothing: a slot that is not ready serves nobody
        room = self._cover.may_be_between(is_proven=self.is_proven) - self._cover.between
        for number in sorted(self._slots.todo)[: max(0, room)]:
            self._begin_exchange(number)

    def _begin_exchange(self, number: int) -> None:
        life = self._fleet.slots()[number]
        self._slots.begin(number, life.worker if life is not None else None)
        self._fleet.exchange(number)

    def _abandon(self, now: Instant) -> None:
        """This agent is to run no workers any more. What was begun is not proven, so it does not count as done."""
        if self._had_workers and not self.spec.lenient and not self.is_going_back:
            self.is_going_back, self.reason = True, "this agent is to run no workers any more"
        self._slots.drop()
        for number in self._fleet.surges():
            self._fleet.end_surge(number)
        self._end(now)

    def _end(self, now: Instant) -> None:
        """Done, once the surges are gone: one that cannot be killed is not waited for."""
        if self._ends_at is None:
            self._ends_at = now + 2 * self._limits.stop_timeout_s
        if self._fleet.surges() and now < self._ends_at:
            self._soak.wake(self._ends_at)
            return
        self.outcome = RolloutOutcome.UNDONE if self.is_going_back else RolloutOutcome.DONE
        if self._slots.given_up and not self.reason:
            self.reason = f"{self._slots.given_up} of {self.of} workers of the new revision are not ready"

    # ---- how

    @property
    def _revision(self) -> int:
        """What slots are exchanged for now."""
        return self.spec.old if self.is_going_back and self.spec.reversible else self.spec.new

    def _name(self, number: int) -> str:
        return f"the new worker in slot {number}" if number in self._slots.done else "a new worker beside the slots"

    def _say(self, text: str) -> None:
        self.steps.append(Step(text, self.exchanged, self.of))
