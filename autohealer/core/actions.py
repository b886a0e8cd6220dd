"""What to do. Each action is an order; what comes of it is told by an event."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from autohealer.core.incident import Incident
from autohealer.core.model import AgentEntry, Instant, Plan
from autohealer.core.notices import Notice
from autohealer.core.operations import Answer, Operation


class Action(msgspec.Struct, frozen=True):
    """Base of all actions. One that is ``urgent`` is carried out at once, the others when it is quiet."""

    urgent: ClassVar[bool] = False


# ---- processes


class SpawnWorker(Action, frozen=True):
    """Ends in WorkerSpawned or SpawnFailed.

    ``number`` is what ``{slot}`` becomes; ``slot`` the slot that it fills, None for a surge and a spare. ``epoch`` is
    the fencing token: the mzxid of the plan. ``restarts`` and ``last_exit`` are told to the worker.
    """

    urgent: ClassVar[bool] = True

    worker: str
    number: int
    slot: int | None
    epoch: int
    revision: int
    restarts: int = 0
    last_exit: str = ""
    is_spare: bool = False
    """It waits, after its start-up, for a line with the number of its slot: see PromoteSpare."""


class PromoteSpare(Action, frozen=True):
    """Tell a spare which slot it is to fill; ends in SparePromoted or PromotionFailed."""

    urgent: ClassVar[bool] = True

    worker: str
    slot: int


class SignalWorker(Action, frozen=True):
    """To the worker's own process, if it is there; ends in ProcessExited, or in nothing."""

    urgent: ClassVar[bool] = True

    worker: str
    signum: int


class EndOrphans(Action, frozen=True):
    """Ends in OrphansEnded. What is left gets ``signum``, and SIGKILL after ``timeout_s``."""

    worker: str
    signum: int
    timeout_s: float


class TakeEvidence(Action, frozen=True):
    """Ends in EvidenceTaken."""

    worker: str


class StartSenses(Action, frozen=True):
    """Begin to look at this life: ProbeAnswered, NotifyReceived, ProgressRead, UsageSampled, LogMatched may follow.

    Ordered once a life has a process, and only where the pool asks for some sense. The timetable is the adapter's:
    more often until the first success, a random phase, then the interval.
    """

    worker: str
    pid: int
    slot: int
    port: int | None


class StopSenses(Action, frozen=True):
    """Look at this life no more: it is being stopped, or gone."""

    worker: str


class InspectConnections(Action, frozen=True):
    """Ends in ConnectionsSeen: which of these workers hold a connection to ZooKeeper."""

    workers: tuple[str, ...]


class KeepFinished(Action, frozen=True):
    """Keep, over the death of this agent, that a slot is done, or ``failed``; see FinishedFound."""

    slot: int
    failed: bool
    revision: int


class ArmWatchdog(Action, frozen=True):
    """Have the watchdog send the stop signal to all workers at ``stop_at``, and SIGKILL at ``kill_at``."""

    stop_at: Instant
    kill_at: Instant


# ---- ZooKeeper. What is ordered here stands until it is ordered otherwise, over lost connections and sessions.


class WatchRegistration(Action, frozen=True):
    """Tell of the worker's own registration from now on: RegistrationSeen, RegistrationGone."""

    worker: str


class MakeStandIn(Action, frozen=True):
    """Register for the worker, with its address if it has one; ends in StandInMade."""

    worker: str
    address: str | None = None


class WithdrawStandIn(Action, frozen=True):
    """The worker's own registration is enough."""

    worker: str


class AnnounceAddress(Action, frozen=True):
    """Where the worker is reached is to stand in the service registry; None: nothing of it."""

    worker: str
    address: str | None


class RemoveRegistration(Action, frozen=True):
    """The worker is dead: none of its registrations may stay, nor its address, and none need be watched."""

    worker: str


class PublishAgent(Action, frozen=True):
    """What this agent says of itself."""

    entry: AgentEntry


class WriteTarget(Action, frozen=True):
    """Ends in TargetRead."""

    workers: int


class WriteHold(Action, frozen=True):
    """Have these senses held in the whole pool, from now on or when ZooKeeper is back; ends in HoldRead."""

    senses: frozenset[str]
    by: str


class WritePlan(Action, frozen=True):
    """Only if the writer still leads; ends in PlanRead or PlanRefused."""

    plan: Plan


class ProveAuthority(Action, frozen=True):
    """Ask ZooKeeper something, to hear that the session lives; ends in AuthorityProven or in nothing."""

    asked_at: Instant


class AnswerOperation(Action, frozen=True):
    """Tell who asked what came of it. A request in ZooKeeper is deleted once that has been written."""

    operation: Operation
    answer: Answer


class SettleRevision(Action, frozen=True):
    """The rollout to this revision has ended: it is the ``present`` one from now on, or is dropped."""

    revision: int
    present: bool


class DeleteRequest(Action, frozen=True):
    """Every agent of the pool has its outcome of this request. Ends in RequestGone."""

    request: str


class LeaveCluster(Action, frozen=True):
    """Ends in ClusterLeft. The last agent of a pool that ends takes the target with it."""


# ---- people


class EmitEvent(Action, frozen=True):
    """Something that people want to know: a line of ``autohealer events``."""

    notice: Notice


class RecordIncident(Action, frozen=True):
    """An incident was opened, or has changed: keep it in the place of what was kept under its id."""

    incident: Incident


class Warn(Action, frozen=True):
    """Something that is not as it should be, and that nobody has to act upon at once."""

    text: str


class EndAgent(Action, frozen=True):
    """The agent is done. ``error`` says why where that was not asked for."""

    code: int
    error: str = ""
