"""What to do. Each action is an order; what comes of it is told by an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from autohealer.core.incident import Incident
from autohealer.core.model import AgentEntry, Instant, Plan
from autohealer.core.notices import Notice
from autohealer.core.operations import Answer, Operation


class Action:
    """Base of all actions. One that is ``urgent`` is carried out at once, the others when it is quiet."""

    __slots__ = ()
    urgent: ClassVar[bool] = False


# ---- processes


@dataclass(frozen=True, slots=True)
class SpawnWorker(Action):
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


@dataclass(frozen=True, slots=True)
class PromoteSpare(Action):
    """Tell a spare which slot it is to fill; ends in SparePromoted or PromotionFailed."""

    urgent: ClassVar[bool] = True

    worker: str
    slot: int


@dataclass(frozen=True, slots=True)
class SignalWorker(Action):
    """To the worker's own process, if it is there; ends in ProcessExited, or in nothing."""

    urgent: ClassVar[bool] = True

    worker: str
    signum: int


@dataclass(frozen=True, slots=True)
class EndOrphans(Action):
    """Ends in OrphansEnded. What is left gets ``signum``, and SIGKILL after ``timeout_s``."""

    worker: str
    signum: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class TakeEvidence(Action):
    """Ends in EvidenceTaken."""

    worker: str


@dataclass(frozen=True, slots=True)
class StartSenses(Action):
    """Begin to look at this life: ProbeAnswered, NotifyReceived, ProgressRead, UsageSampled, LogMatched may follow.

    Ordered once a life has a process, and only where the pool asks for some sense. The timetable is the adapter's:
    more often until the first success, a random phase, then the interval.
    """

    worker: str
    pid: int
    slot: int
    port: int | None


@dataclass(frozen=True, slots=True)
class StopSenses(Action):
    """Look at this life no more: it is being stopped, or gone."""

    worker: str


@dataclass(frozen=True, slots=True)
class InspectConnections(Action):
    """Ends in ConnectionsSeen: which of these workers hold a connection to ZooKeeper."""

    workers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeepFinished(Action):
    """Keep, over the death of this agent, that a slot is done, or ``failed``; see FinishedFound."""

    slot: int
    failed: bool
    revision: int


@dataclass(frozen=True, slots=True)
class ArmWatchdog(Action):
    """Have the watchdog send the stop signal to all workers at ``stop_at``, and SIGKILL at ``kill_at``."""

    stop_at: Instant
    kill_at: Instant


# ---- ZooKeeper. What is ordered here stands until it is ordered otherwise, over lost connections and sessions.


@dataclass(frozen=True, slots=True)
class WatchRegistration(Action):
    """Tell of the worker's own registration from now on: RegistrationSeen, RegistrationGone."""

    worker: str


@dataclass(frozen=True, slots=True)
class MakeStandIn(Action):
    """Register for the worker, with its address if it has one; ends in StandInMade."""

    worker: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class WithdrawStandIn(Action):
    """The worker's own registration is enough."""

    worker: str


@dataclass(frozen=True, slots=True)
class AnnounceAddress(Action):
    """Where the worker is reached is to stand in the service registry; None: nothing of it."""

    worker: str
    address: str | None


@dataclass(frozen=True, slots=True)
class RemoveRegistration(Action):
    """The worker is dead: none of its registrations may stay, nor its address, and none need be watched."""

    worker: str


@dataclass(frozen=True, slots=True)
class PublishAgent(Action):
    """What this agent says of itself."""

    entry: AgentEntry


@dataclass(frozen=True, slots=True)
class WriteTarget(Action):
    """Ends in TargetRead."""

    workers: int


@dataclass(frozen=True, slots=True)
class WriteHold(Action):
    """Have these senses held in the whole pool, from now on or when ZooKeeper is back; ends in HoldRead."""

    senses: frozenset[str]
    by: str


@dataclass(frozen=True, slots=True)
class WritePlan(Action):
    """Only if the writer still leads; ends in PlanRead or PlanRefused."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class ProveAuthority(Action):
    """Ask ZooKeeper something, to hear that the session lives; ends in AuthorityProven or in nothing."""

    asked_at: Instant


@dataclass(frozen=True, slots=True)
class AnswerOperation(Action):
    """Tell who asked what came of it. A request in ZooKeeper is deleted once that has been written."""

    operation: Operation
    answer: Answer


@dataclass(frozen=True, slots=True)
class SettleRevision(Action):
    """The rollout to this revision has ended: it is the ``present`` one from now on, or is dropped."""

    revision: int
    present: bool


@dataclass(frozen=True, slots=True)
class DeleteRequest(Action):
    """Every agent of the pool has its outcome of this request. Ends in RequestGone."""

    request: str


@dataclass(frozen=True, slots=True)
class LeaveCluster(Action):
    """Ends in ClusterLeft. The last agent of a pool that ends takes the target with it."""


# ---- people


@dataclass(frozen=True, slots=True)
class EmitEvent(Action):
    """Something that people want to know: a line of ``autohealer events``."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class RecordIncident(Action):
    """An incident was opened, or has changed: keep it in the place of what was kept under its id."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Warn(Action):
    """Something that is not as it should be, and that nobody has to act upon at once."""

    text: str


@dataclass(frozen=True, slots=True)
class EndAgent(Action):
    """The agent is done. ``error`` says why where that was not asked for."""

    code: int
    error: str = ""
