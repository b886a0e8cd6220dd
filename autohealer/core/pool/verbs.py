"""What people ask of this agent, verb by verb: checked, begun, and answered. Rollouts come by an event of their own."""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.actions import Action, AnswerOperation, WriteHold, WriteTarget
from autohealer.core.cluster.assignment import Assignment
from autohealer.core.model import Instant, WorkerId
from autohealer.core.operations import Answer, Operation, count_of, done, refused
from autohealer.core.pool.brake import held_after
from autohealer.core.pool.draining import Draining
from autohealer.core.pool.workers import Workers


class Verbs:
    """``begin`` takes an operation that may concern this agent; what does not is left alone."""

    def __init__(
        self,
        agent: str,
        workers: Workers,
        assignment: Assignment,
        draining: Draining,
        order: Callable[[Action], None],
    ) -> None:
        self._agent, self._workers, self._assignment = agent, workers, assignment
        self._draining, self._order = draining, order
        self._scales: list[Operation] = []

    def begin(self, operation: Operation, now: Instant, *, is_away: bool, is_alone: bool) -> None:
        """``is_away``: ZooKeeper does not answer; ``is_alone``: no other agent is known."""
        match operation.verb:
            case "scale":
                self._scale(operation, writes_later=is_away and is_alone)
            case "stop":
                self._draining.ask_to_end("autohealer stop", now, hand_over=False)  # answered by the agent's end
            case "kill":
                self._kill(operation)
            case "drain" if operation.subject == self._agent:
                self._draining.stay(operation, now)
            case "undrain" if operation.subject == self._agent:
                self._draining.undo(operation)
            case "hold" | "release":
                self._hold(operation, now, writes_later=is_away)

    def target_read(self, target: int | None) -> None:
        """A scale is answered once its number has been read; until then it may be that of another one."""
        self._scales, scales = [], self._scales
        for operation in scales:
            if count_of(operation.subject) == target:
                self._answer(operation, done(f"the target is {target}"))
            else:
                self._scales.append(operation)

    def _scale(self, operation: Operation, *, writes_later: bool) -> None:
        """The latest one counts."""
        workers = count_of(operation.subject)
        if workers is None:
            return
        for former in self._scales:
            self._answer(former, refused(f"overtaken by a scale to {workers}"))
        self._scales = []
        if writes_later:
            self._assignment.scale_alone(workers)
            self._answer(operation, done(f"the target is {workers}; it is written when ZooKeeper is back"))
        else:
            self._scales = [operation]
            self._order(WriteTarget(workers))

    def _kill(self, operation: Operation) -> None:
        if WorkerId.agent_of(operation.subject) != self._agent:
            return
        if self._workers.lives.of(operation.subject) is None:
            self._answer(operation, refused(f"there is no worker {operation.subject}"))
            return
        self._workers.incidents.killed_by(operation.subject, operation.by or "somebody")
        self._workers.lives.kill(operation.subject)
        self._answer(operation, done(f"killed {operation.subject}"))

    def _hold(self, operation: Operation, now: Instant, *, writes_later: bool) -> None:
        """Hold or release verdicts: here at once, elsewhere once it has been written."""
        held = held_after(self._workers.brake.held, operation.subject, release=operation.verb == "release")
        self._workers.health.hold(held, now)
        self._order(WriteHold(held, operation.by or "somebody"))
        what = f"held: {', '.join(sorted(held))}" if held else "nothing is held"
        self._answer(operation, done(what + ("; it is written when ZooKeeper is back" if writes_later else "")))

    def _answer(self, operation: Operation, answer: Answer) -> None:
        self._order(AnswerOperation(operation, answer))
