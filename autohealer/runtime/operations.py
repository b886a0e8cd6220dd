"""The one place where the agent takes up what people ask for, whichever way it comes.

By the control socket, the dashboard or the page of this process it is `do`, by a request in ZooKeeper `heard`. An
operation is checked, goes to the core, or to the agents whom it concerns, and is answered once: to who asked, into the
events, and by deleting the request. One that is seen again is answered again and not repeated.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from autohealer.core.events import Event, OperationRequested, PoolRequestStands, RolloutRequested
from autohealer.core.model import WorkerId
from autohealer.core.notices import (
    EventRecord,
    Notice,
    OperationDone,
    OperationNotice,
    OperationRefused,
    RolloutNotice,
    fields_of,
)
from autohealer.core.operations import (
    MEANINGLESS,
    ROLLOUTS,
    UNREACHABLE,
    VERBS,
    Answer,
    Operation,
    Outcome,
    Subject,
    check,
    done,
    is_of_whole_pool,
    refused,
)
from autohealer.core.rollout_spec import RolloutOrder
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.processes.launch.spec import LaunchSpec
    from autohealer.runtime.pool_rollout import PoolRollout
    from autohealer.runtime.revisions import Revisions

Answered = Callable[[Answer], object]
Stepped = Callable[[object], object]

Follow = Callable[[str, Answered, Stepped], "PoolRollout"]

REMEMBERED = 1000
SOMEBODY = "unknown"


class _Known(msgspec.Struct):
    """An operation that was taken up: who waits for its answer, and the answer once there is one."""

    waiting: list[Answered] = msgspec.field(default_factory=list)
    requests: list[str] = msgspec.field(default_factory=list)
    answer: Answer | None = None


class OperationCallbacks(msgspec.Struct, frozen=True):
    """What carries an operation out, here or elsewhere, and who hears of it."""

    post: Callable[[Event], None]
    """Gets events for the core."""

    forward: Callable[[Operation, list[str], Callable[[frozenset[str]], None]], None]
    """Asks other agents: operation, subjects, what to call with the requests' names once all have answered."""

    tell: Callable[[Notice, Callable[[], None]], None]
    """Gets a notice, and what to call once it has been written."""

    delete: Callable[[str], None]
    """Gets the name of a request that is done with."""

    follow: Follow
    """Makes what follows a rollout elsewhere."""

    leave: Callable[[], Answer]
    """Ends this agent and not its workers."""

    reload: Callable[[Operation, Answered, Stepped], object]
    """Reads the configuration file again."""


class FormerLife(msgspec.Struct, frozen=True):
    """What is known of the agent that this one goes on from."""

    is_known: bool
    """Whether there was one."""

    stopped: str | None
    """The last operation by which it was stopped."""


class Operations:
    """The operations of one pool on this agent.

    ``revisions`` are what rollouts lead to. ``file`` is the configuration file that the pool is of, if it is of one.
    """

    def __init__(
        self,
        agent: str,
        snapshot: Callable[[], Snapshot],
        revisions: Revisions,
        former: FormerLife,
        callbacks: OperationCallbacks,
        *,
        file: str | None,
    ) -> None:
        self._agent, self._snapshot, self._revisions = agent, snapshot, revisions
        self._continues, self._file = former.is_known, file
        self._post, self._forward, self._tell = callbacks.post, callbacks.forward, callbacks.tell
        self._delete, self._follow = callbacks.delete, callbacks.follow
        self._leave, self._reload = callbacks.leave, callbacks.reload
        self._later: list[Operation] = []
        """Requests of the whole pool for rollouts, behind the one that is under way."""
        self._stepped: dict[str, Stepped] = {}
        self._due: list[Callable[[], object]] = []
        """Answers to rollouts, until their last step has been told."""
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self.stopped = former.stopped
        """The operation that ends this pool, or has ended it: the next agent must not be ended by it as well."""

    def do(self, operation: Operation, answered: Answered, stepped: Stepped) -> None:
        """Somebody on this host asks for it. ``answered`` is called once, perhaps before this returns."""
        known = self._known.get(operation.id)
        if known is not None:
            if known.answer is None:
                known.waiting.append(answered)
            else:
                answered(known.answer)
            return
        self._remember(operation).waiting.append(answered)
        if operation.verb in ROLLOUTS or operation.verb == "reload":
            self._stepped[operation.id] = stepped
        answer = check(operation) or self._route(operation)
        if answer is not None:
            self.answered(operation, answer)

    def roll_out_to(self, operation: Operation, spec: LaunchSpec, answered: Answered, stepped: Stepped) -> None:
        """Replace all workers of this agent by such, as a file says that was read again."""
        self._remember(operation).waiting.append(answered)
        self._stepped[operation.id] = stepped
        order = self._revisions.order(operation, spec)
        if isinstance(order, RolloutOrder):
            self._revisions.ask_for(spec)
            self._post(RolloutRequested(now(), order))
        else:
            self.answered(operation, order)

    def heard(self, event: OperationRequested) -> None:
        """A request in ZooKeeper has been read."""
        operation, request = event.operation, event.operation.request
        if request is None:
            return
        is_in_time = not event.expired or self._revisions.goes_on(operation.id)
        concerns = is_in_time and (not event.stood or self._concerns_former_life(operation))
        if is_of_whole_pool(operation):
            self._heard_by_all(operation, request, concerns=concerns)
            return
        is_rollout = operation.verb in ROLLOUTS
        if is_rollout and not self._is_mine(operation.subject):
            return
        known = self._known.get(operation.id)
        if not concerns and known is None and is_rollout:
            # Nobody else would take it away.
            self._remember(operation).requests.append(request)
            self.answered(operation, refused("it was asked for too long ago, or of a former life of this agent"))
            return
        if not concerns and known is None:
            return
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

        if operation.verb in ROLLOUTS:
            self._due += [partial(answered, answer) for answered in waiting]
            self._due.append(partial(self._stepped.pop, operation.id, None))
            waiting = []
        self._tell(kind(operation.verb, operation.subject, operation.by or SOMEBODY, answer.detail), written)
        for answered in waiting:
            answered(answer)

    # ---- how

    def _remember(self, operation: Operation) -> _Known:
        known = self._known[operation.id] = _Known()
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _is_mine(self, subject: str) -> bool:
        return self._agent in (subject, WorkerId.agent_of(subject))

    def _concerns_former_life(self, operation: Operation) -> bool:
        """Whether a request that stood before our first session is still to be carried out by us.

        Only if this agent goes on from a life that it was meant for. One to stop that has stopped that life, however
        it ended, was answered by that end.
        """
        return self._continues and not (operation.verb == "stop" and operation.id == self.stopped)

    def told(self, record: EventRecord) -> None:
        """An event: steps of a rollout are for who waits for one, and its answer comes after the last of them."""
        if isinstance(record.notice, RolloutNotice):
            for stepped in self._stepped.values():
                stepped(fields_of(record))
        elif isinstance(record.notice, OperationNotice):
            due, self._due = self._due, []
            for answered in due:
                answered()

    def settled(self) -> None:
        """A rollout has ended here: the next one may begin, and where that cannot be, the one after it."""
        while self._later and not self._revisions.is_busy_with_another(self._later[0].id):
            self._begin(self._later.pop(0))

    def request_gone(self, request: str) -> None:
        """What has not begun is not begun any more."""
        self._later = [operation for operation in self._later if operation.request != request]

    def _heard_by_all(self, operation: Operation, request: str, *, concerns: bool) -> None:
        """A request for a rollout of the whole pool. Each agent has an outcome of it, then the leader takes it away."""
        left = operation.subject
        concerns = concerns and left in ("", self._revisions.present.spec.hash) and operation.id not in self._known
        self._post(PoolRequestStands(now(), request, None if concerns else "done"))
        if concerns:
            self._remember(operation)
            if self._revisions.is_busy_with_another(operation.id):
                self._later.append(operation)
            else:
                self._begin(operation)

    def _begin(self, operation: Operation) -> None:
        if operation.verb not in ROLLOUTS:
            if operation.verb == "stop":
                self.stopped = operation.id
            self._post(OperationRequested(now(), operation))
            return
        order = self._revisions.order(operation)
        if isinstance(order, RolloutOrder):
            self._post(RolloutRequested(now(), order))
            return
        if operation.request is not None and is_of_whole_pool(operation):
            self._post(PoolRequestStands(now(), operation.request, "undone"))
        self.answered(operation, order)

    def _route(self, operation: Operation) -> Answer | None:
        """Begin with it, here or elsewhere; an answer where that is all, or where it cannot be."""
        snapshot = self._snapshot()
        if VERBS[operation.verb].subject is Subject.SENSE:
            self._begin(operation)
            return None
        whole = (Subject.NOTHING, Subject.COUNT, Subject.REVISION)
        if VERBS[operation.verb].subject in whole or not operation.subject:
            return self._for_pool(operation, snapshot)
        worker = WorkerId.parse(operation.subject)
        agent = worker.agent if worker is not None and operation.subject not in snapshot.agents else operation.subject
        if agent not in snapshot.agents:
            kind = "agent" if VERBS[operation.verb].subject is Subject.AGENT else "worker"
            return refused(f"there is no {kind} {operation.subject}", MEANINGLESS)
        if operation.verb in ROLLOUTS and agent != self._agent:
            return self._roll_out_elsewhere(operation, operation.subject, snapshot)
        if agent == self._agent and (snapshot.connected or operation.verb in ("kill", "restart")):
            self._begin(operation)
            return None
        return self._ask_others(operation, [operation.subject], snapshot)

    def _for_pool(self, operation: Operation, snapshot: Snapshot) -> Answer | None:
        if operation.verb == "leave":
            return self._leave()
        if operation.verb == "reload":
            self._reload(operation, partial(self.answered, operation), self._stepped.pop(operation.id))
            return None
        others = sorted(set(snapshot.agents) - {self._agent})
        if operation.verb == "scale":
            if others and not snapshot.connected:
                return _unreachable()
            self._begin(operation)
            return None
        if operation.verb == "stop":
            if others and not snapshot.connected:
                return _unreachable()
            if others:
                self._forward(operation, [""], ignore)
            else:
                self._begin(operation)
            return Answer(Outcome.ACCEPTED)
        return self._roll_out(operation, others, snapshot)

    def _roll_out(self, operation: Operation, others: list[str], snapshot: Snapshot) -> Answer | None:
        """Each agent replaces its own workers, by turns. A command to run is for this agent alone."""
        if operation.verb == "update" and self._file is not None:
            return refused(f"the pool is of a file: change {self._file}, then `autohealer reload`", MEANINGLESS)
        if others and not snapshot.connected:
            return _unreachable()
        if not others or operation.verb == "update":
            self._begin(operation)
            return None
        left = self._revisions.present.spec.hash if operation.verb == "undo" else ""
        return self._roll_out_elsewhere(operation, left, snapshot)

    def _roll_out_elsewhere(self, operation: Operation, subject: str, snapshot: Snapshot) -> Answer | None:
        if not snapshot.connected:
            return _unreachable()
        stepped = self._stepped[operation.id]
        followed = self._follow(operation.subject, lambda answer: self.answered(operation, answer), stepped)
        self._forward(operation, [subject], followed.request_gone)
        return None

    def _ask_others(self, operation: Operation, subjects: list[str], snapshot: Snapshot) -> Answer | None:
        if not snapshot.connected:
            return _unreachable()
        self._forward(operation, subjects, lambda _: self.answered(operation, done()))
        return None


def ignore(_: object) -> None:
    """Nobody wants to hear of the steps."""


def _unreachable() -> Answer:
    return refused("ZooKeeper is away, and other agents have to hear of it", UNREACHABLE)
