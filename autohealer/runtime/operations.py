"""The one place where the agent takes up what people ask for, whichever way it comes.

By the control socket, the dashboard or the page of this process it is `do`, by a request in ZooKeeper `heard`. An
operation is checked, goes to the core, or to the agents whom it concerns, and is answered once: to who asked, into the
events, and by deleting the request. One that is seen again is answered again and not repeated.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autohealer.core.events import OperationRequested
from autohealer.core.model import WorkerId
from autohealer.core.notices import Notice, OperationDone, OperationRefused
from autohealer.core.operations import (
    MEANINGLESS,
    UNREACHABLE,
    VERBS,
    Answer,
    Operation,
    Outcome,
    Subject,
    check,
    done,
    refused,
)
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    from autohealer.core.pool.snapshot import Snapshot

Answered = Callable[[Answer], object]
Stepped = Callable[[object], object]

REMEMBERED = 1000
SOMEBODY = "unknown"


@dataclass(slots=True)
class _Known:
    """An operation that was taken up: who waits for its answer, and the answer once there is one."""

    waiting: list[Answered] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    answer: Answer | None = None


class Operations:
    """The operations of one pool on this agent.

    ``post`` takes events for the core, ``forward`` asks other agents (operation, subjects, what to call once all have
    answered), ``tell`` takes a notice and what to call once it has been written. ``delete`` takes the name of a
    request that is done with. ``continues``: this agent goes on from a former life; ``stopped`` is the last operation
    by which that one was stopped.
    """

    def __init__(
        self,
        agent: str,
        snapshot: Callable[[], Snapshot],
        *,
        post: Callable[[OperationRequested], None],
        forward: Callable[[Operation, list[str], Callable[[], None]], None],
        tell: Callable[[Notice, Callable[[], None]], None],
        delete: Callable[[str], None],
        continues: bool,
        stopped: str | None,
    ) -> None:
        self._agent, self._snapshot = agent, snapshot
        self._post, self._forward, self._tell, self._delete = post, forward, tell, delete
        self._continues = continues
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self.stopped = stopped
        """The operation that ends this pool, or has ended it: the next agent must not be ended by it as well."""

    def do(self, operation: Operation, answered: Answered, _stepped: Stepped) -> None:
        """Somebody on this host asks for it. ``answered`` is called once, perhaps before this returns."""
        known = self._known.get(operation.id)
        if known is not None:
            if known.answer is None:
                known.waiting.append(answered)
            else:
                answered(known.answer)
            return
        self._remember(operation).waiting.append(answered)
        answer = check(operation) or self._route(operation)
        if answer is not None:
            self.answered(operation, answer)

    def heard(self, event: OperationRequested) -> None:
        """A request in ZooKeeper has been read."""
        operation, request = event.operation, event.operation.request
        if request is None or (event.stood and not self._concerns_former_life(operation)):
            return
        known = self._known.get(operation.id)
        if known is None:
            self._remember(operation).requests.append(request)
            self._begin(operation)
        elif known.answer is None:
            known.requests.append(request)
        else:
            self._delete(request)

    def answered(self, operation: Operation, answer: Answer) -> None:
        """Tell everybody who waits for it, people, and ZooKeeper."""
        known = self._known.get(operation.id) or self._remember(operation)
        known.answer = answer
        waiting, known.waiting = known.waiting, []
        requests, known.requests = known.requests, []
        kind = OperationRefused if answer.outcome is Outcome.REFUSED else OperationDone

        def written() -> None:
            for request in requests:
                self._delete(request)

        self._tell(kind(operation.verb, operation.subject, operation.by or SOMEBODY, answer.detail), written)
        for answered in waiting:
            answered(answer)

    # ---- how

    def _remember(self, operation: Operation) -> _Known:
        known = self._known[operation.id] = _Known()
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _concerns_former_life(self, operation: Operation) -> bool:
        """Whether a request that stood before our first session is still to be carried out by us.

        Only if this agent goes on from a life that it was meant for. One to stop that has stopped that life, however
        it ended, was answered by that end.
        """
        return self._continues and not (operation.verb == "stop" and operation.id == self.stopped)

    def _begin(self, operation: Operation) -> None:
        if operation.verb == "stop":
            self.stopped = operation.id
        self._post(OperationRequested(now(), operation))

    def _route(self, operation: Operation) -> Answer | None:
        """Begin with it, here or elsewhere; an answer where that is all, or where it cannot be."""
        snapshot = self._snapshot()
        if VERBS[operation.verb].subject is Subject.SENSE:
            self._begin(operation)
            return None
        if VERBS[operation.verb].subject in (Subject.NOTHING, Subject.COUNT) or not operation.subject:
            return self._for_pool(operation, snapshot)
        worker = WorkerId.parse(operation.subject)
        agent = worker.agent if worker is not None and operation.subject not in snapshot.agents else operation.subject
        if agent not in snapshot.agents:
            kind = "agent" if VERBS[operation.verb].subject is Subject.AGENT else "worker"
            return refused(f"there is no {kind} {operation.subject}", MEANINGLESS)
        if agent == self._agent and (snapshot.connected or operation.verb in ("kill", "restart")):
            self._begin(operation)
            return None
        return self._ask_others(operation, [operation.subject], snapshot)

    def _for_pool(self, operation: Operation, snapshot: Snapshot) -> Answer | None:
        others = sorted(set(snapshot.agents) - {self._agent})
        if operation.verb == "scale":
            if others and not snapshot.connected:
                return _unreachable()
            self._begin(operation)
            return None
        if operation.verb == "stop":
            if others:
                return self._ask_others(operation, [""], snapshot) or Answer(Outcome.ACCEPTED)
            self._begin(operation)
            return Answer(Outcome.ACCEPTED)
        return self._restart(operation, others, snapshot)

    def _restart(self, operation: Operation, others: list[str], snapshot: Snapshot) -> Answer | None:
        """Each agent exchanges its own workers."""
        if not others:
            self._begin(replace(operation, subject=self._agent))
            return None
        return self._ask_others(operation, sorted([self._agent, *others]), snapshot)

    def _ask_others(self, operation: Operation, subjects: list[str], snapshot: Snapshot) -> Answer | None:
        if not snapshot.connected:
            return _unreachable()
        agents = f"{len(subjects)} {'agent' if len(subjects) == 1 else 'agents'}"
        detail = f"all workers of {agents} are new" if operation.verb == "restart" else ""
        self._forward(operation, subjects, lambda: self.answered(operation, done(detail)))
        return None


def ignore(_: object) -> None:
    """Nobody wants to hear of the steps."""


def _unreachable() -> Answer:
    return refused("ZooKeeper is away, and other agents have to hear of it", UNREACHABLE)
