"""The rollouts of one agent: which one is under way, which wait, and what the slots are of in the end.

One that people asked for waits for its turn where the pool has several agents. A worker that outgrew a soft limit
(``--max-rss``, ``--max-age``) is exchanged by a rollout of its slot alone, which waits for those that people asked for;
see ``outgrown``.
"""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core import notices
from autohealer.core.actions import Action, AnswerOperation, EmitEvent, SettleRevision, Warn
from autohealer.core.model import Instant, PoolSpec, RevisionEntry, RolloutView, Verdict, part
from autohealer.core.operations import Answer, Outcome, done, refused
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life, Role
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.outgrown import Outgrown
from autohealer.core.pool.rollout import Limits, Rollout, RolloutOutcome
from autohealer.core.pool.slots import Slots
from autohealer.core.pool.surges import AgentFleet
from autohealer.core.rollout_spec import RolloutOrder, RolloutSpec

ALIVE_S = 2.0
"""Without a probe or ``--ready`` a life must have lived so long before it counts as ready in a rollout."""
UNDONE = 4
"""The exit code of a command whose rollout was undone."""


class Rollouts:
    """``present_hash``: of the present revision, whose number ``slots`` has."""

    def __init__(
        self,
        spec: PoolSpec,
        slots: Slots,
        lives: Lives,
        *,
        incidents: Incidents,
        order: Callable[[Action], None],
        present_hash: str = "",
    ) -> None:
        self._spec, self._slots, self._order, self._hash = spec, slots, order, present_hash
        self._lives = lives
        self._fleet = AgentFleet(spec, slots, lives, incidents)
        self._rollout: Rollout | None = None
        self._asked: RolloutOrder | None = None
        """Who asked for the one that is under way; None where a soft verdict did."""
        self._began_at: Instant = 0.0
        self._waiting: list[RolloutOrder] = []
        self._outgrown = Outgrown(slots)
        self._memory: int | None = None
        self._was_going_back = False
        self._standing: dict[str, RolloutOutcome | None] = {}
        """The requests of the whole pool that stand in ZooKeeper, first made first: what has become of each here."""
        self._last: tuple[RolloutOutcome, str] | None = None
        """What became of the last one that does not stand, or not any more."""

    # ---- what can be asked

    @property
    def revision_of_spares(self) -> int:
        """Spares follow a rollout first: as soon as one life of the new revision has proven itself."""
        if self._rollout is None or not self._rollout.is_proven or self._rollout.is_going_back:
            return self._slots.revision
        return self._rollout.spec.new

    def judges(self, life: Life) -> bool:
        """Whether a failure of this life is the rollout's to judge."""
        return self._rollout is not None and self._rollout.judges(life.number, life)

    def entry(self) -> RevisionEntry:
        """What other agents get to know. An outcome stands until the leader has taken the request away."""
        left, settling = 0, self._settling
        if self._rollout is not None and self._asked is not None and self._asked.by_turns:
            left = self._rollout.left
        elif settling is None and any(asked.by_turns for asked in self._waiting):
            left = max(1, len(self._fleet.slots()))
        outcome = None if left else settling or self._last
        return RevisionEntry(self._slots.revision, self._hash, left, outcome and f"{outcome[0]} {outcome[1]}")

    def view(self) -> RolloutView | None:
        """What people get to see of the one that they asked for: it is under way, or waits for its turn."""
        rollout, asked = self._rollout, self._asked
        if asked is not None and rollout is not None:
            exchanged, of = rollout.exchanged, rollout.of
        elif self._waiting:
            asked, exchanged, of = self._waiting[0], 0, len(self._fleet.slots())
        else:
            return None
        return RolloutView(asked.spec.verb, asked.spec.by, asked.spec.old, asked.spec.new, exchanged, of)

    def is_recycling(self, worker: str) -> bool:
        """Whether the worker outgrew a limit and waits to be exchanged."""
        return worker in self._outgrown

    def next_deadline(self) -> Instant | None:
        """When ``step`` is to be called next, at the latest."""
        if self._rollout is None:
            return None if self._waiting else self._outgrown.next_deadline()
        moments = (self._rollout.next_deadline(), self._fleet.next_deadline())
        return min((moment for moment in moments if moment is not None), default=None)

    # ---- what is wanted

    def ask(self, asked: RolloutOrder) -> None:
        """A rollout is asked for; the answer comes when it has ended.

        A request of the whole pool waits for the one before it; what is asked of this agent alone is refused meanwhile.
        """
        request = asked.operation.request if asked.operation is not None else None
        busy = self._asked is not None or bool(self._waiting) or bool(self._standing.keys() - {request})
        if busy and not (request and asked.by_turns):
            view = self.view()
            what = f"{view.verb} by {view.by}, {view.exchanged} of {view.of} exchanged" if view else "by other agents"
            self._order(SettleRevision(asked.spec.new, present=False))
            if asked.operation is not None:
                self._order(AnswerOperation(asked.operation, refused(f"a rollout is under way: {what}")))
            return
        self._waiting.append(asked)

    def stands(self, request: str, outcome: str | None) -> None:
        """A request of the whole pool stands; ``outcome`` where nothing need, or can, be done for it here."""
        self._standing[request] = RolloutOutcome(outcome) if outcome is not None else None

    def request_gone(self, request: str) -> None:
        """The request is gone: what has not begun is not begun any more."""
        outcome = self._standing.pop(request, None)
        if outcome is not None:
            self._last = outcome, request
        for asked in [asked for asked in self._waiting if asked.name == request]:
            self._waiting.remove(asked)
            self._order(SettleRevision(asked.spec.new, present=False))

    def recycle(self, life: Life, verdict: Verdict | None, now: Instant) -> None:
        """A life outgrew a limit that is not urgent: it is exchanged when its turn comes. None: it need not be."""
        if verdict is None:
            self._outgrown.recovered(life.worker)
        else:
            self._outgrown.judged(life, verdict, now)

    def memory(self, available: int) -> None:
        """So many bytes are left for new processes."""
        self._memory = available

    def step(self, share: int | None, now: Instant, *, has_turn: bool, readiness_is_told: bool) -> None:
        """Begin what may begin, and go on with what is under way.

        ``has_turn``: the leader has given this agent the turn, or it is alone. ``readiness_is_told``: a probe or
        ``--ready`` says who is ready.
        """
        self._fleet.share, self._fleet.now = share, now
        if self._rollout is None:
            self._begin_next(now, 0.0 if readiness_is_told else ALIVE_S, has_turn=has_turn)
        if self._rollout is not None:
            self._rollout.step(now)
            self._tell_steps(self._rollout)
            if share is None or self._rollout.is_going_back is not self._was_going_back:
                self._was_going_back = self._rollout.is_going_back
                self._slots.are_of(self._rollout.revision_of)
            if self._rollout.outcome is not None:
                self._end(self._rollout, self._rollout.outcome, now)
        self._slots.fill_left(now)

    # ---- what is observed

    def ended(self, life: Life, how: str, now: Instant) -> None:
        """A life has ended by itself, or never came to be."""
        if self._rollout is not None:
            self._rollout.ended(life.number, life, how, now, was_asked=life.is_killed)

    def faulty(self, life: Life, verdict: Verdict, now: Instant) -> None:
        """A verdict on a life that is on trial is being carried out."""
        if self._rollout is not None:
            self._rollout.faulty(life.number, life, f"{verdict.sense}: {verdict.detail}", now)

    def gone(self, life: Life) -> None:
        """A life has no process any more."""
        self._outgrown.gone(life.worker)
        if life.role is Role.SURGE:
            self._fleet.surge_ended(life)

    def not_started(self, life: Life, now: Instant, *, is_temporary: bool) -> None:
        """No process came of this life."""
        self._fleet.now = now
        if life.role is Role.SURGE:
            self._fleet.surge_not_started(life, is_temporary=is_temporary)

    # ---- how

    @property
    def _settling(self) -> tuple[RolloutOutcome, str] | None:
        """The outcome of the first request that stands: the next one waits until every agent has that.

        What is known of a later one already is not told before. All agents hear of requests in the order in which they
        were made, so each waits for the others' outcomes of the same one, and no two for each other.
        """
        request, outcome = next(iter(self._standing.items()), ("", None))
        return None if outcome is None else (outcome, request)

    def _is_short_of_memory(self, worker: str) -> bool:
        """Whether there is no room for a worker of this size beside it; that is said."""
        life = self._lives.of(worker)
        size = life.rss if life is not None else None
        if self._memory is None or size is None or self._memory >= size:
            return False
        self._order(Warn(f"worker {worker} is stopped before its replacement starts: there is no memory for both"))
        return True

    def _begin_next(self, now: Instant, alive_s: float, *, has_turn: bool) -> None:
        without_surges = False
        may_turn = has_turn and self._settling is None
        asked = next((each for each in self._waiting if not each.by_turns or may_turn), None)
        if asked is not None:
            self._waiting.remove(asked)
            spec, undo_because = asked.spec, asked.undo_because
        elif not self._waiting and (outgrown := self._outgrown.next(now)) is not None:
            worker, verdict = outgrown
            self._fleet.verdict = verdict
            number = self._slots.revision
            spec = RolloutSpec("replace", worker, str(verdict.sense), number, number, lenient=True, worker=worker)
            undo_because = ""
            without_surges = self._is_short_of_memory(worker)
        else:
            return
        limits = Limits(self._spec.start_timeout_s, self._spec.stop_timeout_s, alive_s)
        self._asked, self._began_at, self._was_going_back = asked, now, False
        self._rollout = self._fleet.rollout = Rollout(
            spec, self._fleet, limits=limits, undo_because=undo_because, without_surges=without_surges
        )
        of = len(self._fleet.slots()) if spec.worker is None else 1
        self._tell(notices.RolloutStarted, 0, of, spec.soak_s, part(spec.parallel, self._fleet.share or 1))

    def _tell_steps(self, rollout: Rollout) -> None:
        for step in rollout.steps:
            self._tell(notices.RolloutStep, step.exchanged, step.of, step.text)
        rollout.steps.clear()

    def _end(self, rollout: Rollout, outcome: RolloutOutcome, now: Instant) -> None:
        spec, asked, of = rollout.spec, self._asked, rollout.of
        if outcome is RolloutOutcome.DONE:
            self._slots.revision, self._hash = spec.new, spec.hash or self._hash
        self._slots.are_of(lambda _: self._slots.revision)
        kind = notices.RolloutFinished if outcome is RolloutOutcome.DONE else notices.RolloutUndone
        self._tell(kind, rollout.exchanged, of, round(now - self._began_at, 3), rollout.reason)
        if asked is not None:
            self._order(SettleRevision(spec.new, present=outcome is RolloutOutcome.DONE))
            if asked.name in self._standing:
                self._standing[asked.name] = outcome
            else:
                self._last = outcome, asked.name
            self._answer(asked, outcome, rollout.reason, of)
        if asked is None and (life := self._lives.of(spec.worker or "")) is not None:
            self._outgrown.tried(life, now)
        self._asked = self._rollout = self._fleet.rollout = self._fleet.verdict = None

    def _answer(self, asked: RolloutOrder, outcome: RolloutOutcome, reason: str, of: int) -> None:
        if asked.operation is None:
            return
        if outcome is RolloutOutcome.UNDONE:
            answer = Answer(Outcome.DONE, f"undone: {reason}", UNDONE)
        elif reason:
            answer = Answer(Outcome.DONE, reason, UNDONE)
        else:
            whose = "the worker is" if asked.spec.worker or of == 1 else f"all {of} workers are"
            answer = done(f"{whose} new (r{asked.spec.new})")
        self._order(AnswerOperation(asked.operation, answer))

    def _tell(self, kind: Callable[..., notices.RolloutNotice], *more: object) -> None:
        """Tell people of the one that they asked for; a soft verdict has an incident of its own."""
        if self._asked is not None:
            spec = self._asked.spec
            self._order(EmitEvent(kind(spec.verb, spec.by, spec.old, spec.new, *more)))
