"""What people are told: one class for each event of ``autohealer events``, with its fields.

They are typed here and become JSON only where they leave the agent (``runtime/event_log``). ``event`` is the name that
people see. A field named in ``optional`` is left out where it is None; every other field is always there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Notice:
    """Base of all notices."""

    event: ClassVar[str]
    optional: ClassVar[frozenset[str]] = frozenset()


# ---- workers


@dataclass(frozen=True, slots=True)
class WorkerNotice(Notice):
    """Something about one life. ``slot`` is None for a spare and a surge, ``pid`` where there is no process."""

    worker: str | None
    pid: int | None
    slot: int | None


@dataclass(frozen=True, slots=True)
class WorkerStarted(WorkerNotice):
    """A process runs.

    ``heal_ms``: since the end of the life before it, only where that was a death or a verdict and this start was due at
    once. ``backoff_ms``: how long the slot had waited instead.
    """

    event: ClassVar[str] = "worker.started"
    optional: ClassVar[frozenset[str]] = frozenset({"heal_ms", "backoff_ms"})

    revision: int
    heal_ms: float | None = None
    backoff_ms: float | None = None


@dataclass(frozen=True, slots=True)
class WorkerPromoted(WorkerNotice):
    """A spare has taken a slot. ``heal_ms`` and ``backoff_ms`` as in WorkerStarted."""

    event: ClassVar[str] = "worker.promoted"
    optional: ClassVar[frozenset[str]] = frozenset({"heal_ms", "backoff_ms"})

    revision: int
    heal_ms: float | None = None
    backoff_ms: float | None = None


class WorkerReady(WorkerNotice):
    """It does its job, as far as ``--ready`` can tell."""

    __slots__ = ()
    event = "worker.ready"


@dataclass(frozen=True, slots=True)
class WorkerUnready(WorkerNotice):
    """It was ready and is not now. That condemns it only once its sense says so."""

    event: ClassVar[str] = "worker.unready"

    detail: str


@dataclass(frozen=True, slots=True)
class WorkerExited(WorkerNotice):
    """The process ended unasked. ``cause``: ``exit 1``, ``SIGKILL``, ``ended``, or the sense that condemned it."""

    event: ClassVar[str] = "worker.exited"

    code: int | None
    signal: str | None
    uptime: float
    cause: str


@dataclass(frozen=True, slots=True)
class WorkerStopped(WorkerNotice):
    """The process ended because somebody asked for that."""

    event: ClassVar[str] = "worker.stopped"

    code: int | None
    signal: str | None
    uptime: float


@dataclass(frozen=True, slots=True)
class WorkerFaulty(WorkerNotice):
    """A verdict is being carried out. ``cause`` is the name of its sense, ``detail`` what that saw."""

    event: ClassVar[str] = "worker.faulty"

    cause: str
    detail: str
    evidence: str | None


@dataclass(frozen=True, slots=True)
class WorkerHeld(WorkerNotice):
    """A verdict is not carried out: by the brake, or because somebody asked (``hold``)."""

    event: ClassVar[str] = "worker.held"

    cause: str
    detail: str


class WorkerAdopted(WorkerNotice):
    """A worker of this agent's former life was found alive."""

    __slots__ = ()
    event = "worker.adopted"


@dataclass(frozen=True, slots=True)
class WorkerBackoff(WorkerNotice):
    """The slot waits ``delay`` seconds before its next start. ``output``: the last lines, where they are kept."""

    event: ClassVar[str] = "worker.backoff"
    optional: ClassVar[frozenset[str]] = frozenset({"output"})

    delay: float
    reason: str
    output: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class WorkerDone(WorkerNotice):
    """The slot's worker has ended for good."""

    event: ClassVar[str] = "worker.done"

    failed: bool


# ---- the pool


@dataclass(frozen=True, slots=True)
class PoolBelow(Notice):
    """Fewer are ready than this agent's share."""

    event: ClassVar[str] = "pool.below"

    running: int
    share: int


@dataclass(frozen=True, slots=True)
class PoolRecovered(Notice):
    """All of the share are ready again, after so many seconds."""

    event: ClassVar[str] = "pool.recovered"

    running: int
    share: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TargetChanged(Notice):
    """Another target. ``asked`` is what ``run`` asked for, where another one stood."""

    event: ClassVar[str] = "target.changed"
    optional: ClassVar[frozenset[str]] = frozenset({"asked"})

    target: int
    former: int | None
    asked: int | None = None


@dataclass(frozen=True, slots=True)
class PlanChanged(Notice):
    """Another plan."""

    event: ClassVar[str] = "plan.changed"

    target: int
    foreign: int
    shares: Mapping[str, int]


# ---- rollouts


@dataclass(frozen=True, slots=True)
class RolloutNotice(Notice):
    """Something about a rollout: from revision ``former`` to ``revision``; so many slots of so many are exchanged."""

    verb: str
    by: str
    former: int
    revision: int
    exchanged: int
    of: int


@dataclass(frozen=True, slots=True)
class RolloutStarted(RolloutNotice):
    """It has begun here."""

    event: ClassVar[str] = "rollout.started"

    soak: float
    parallel: int


@dataclass(frozen=True, slots=True)
class RolloutStep(RolloutNotice):
    """It is a step further, as ``detail`` says."""

    event: ClassVar[str] = "rollout.step"

    detail: str


@dataclass(frozen=True, slots=True)
class RolloutFinished(RolloutNotice):
    """All are exchanged; ``detail`` says what lacks where it was forced."""

    event: ClassVar[str] = "rollout.finished"

    seconds: float
    detail: str


@dataclass(frozen=True, slots=True)
class RolloutUndone(RolloutNotice):
    """It did not go well, as ``detail`` says, and what could go back has gone back."""

    event: ClassVar[str] = "rollout.undone"

    seconds: float
    detail: str


# ---- the configuration file


@dataclass(frozen=True, slots=True)
class ConfigChanged(Notice):
    """The file was read again, and differs in these pools: it is being applied."""

    event: ClassVar[str] = "config.changed"

    file: str
    pools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigInvalid(Notice):
    """The file was read again, and does not hold: nothing was changed."""

    event: ClassVar[str] = "config.invalid"

    file: str
    detail: str


# ---- what people asked for


@dataclass(frozen=True, slots=True)
class OperationDone(Notice):
    """What ``by`` asked for is done."""

    event: ClassVar[str] = "operation.done"

    verb: str
    subject: str
    by: str
    detail: str


@dataclass(frozen=True, slots=True)
class OperationRefused(Notice):
    """What ``by`` asked for is not done, and why."""

    event: ClassVar[str] = "operation.refused"

    verb: str
    subject: str
    by: str
    detail: str


# ---- agents


@dataclass(frozen=True, slots=True)
class AgentJoined(Notice):
    """An agent of this pool is there."""

    event: ClassVar[str] = "agent.joined"

    agent: str


@dataclass(frozen=True, slots=True)
class AgentLeft(Notice):
    """An agent of this pool is gone."""

    event: ClassVar[str] = "agent.left"

    agent: str


@dataclass(frozen=True, slots=True)
class AgentDraining(Notice):
    """This agent gives its workers away, because of ``cause``."""

    event: ClassVar[str] = "agent.draining"

    agent: str
    cause: str


@dataclass(frozen=True, slots=True)
class LeaderElected(Notice):
    """Another agent leads."""

    event: ClassVar[str] = "leader.elected"

    leader: str
    epoch: int


@dataclass(frozen=True, slots=True)
class LeaderLost(Notice):
    """This agent leads no more."""

    event: ClassVar[str] = "leader.lost"

    leader: str
    epoch: int


# ---- ZooKeeper


@dataclass(frozen=True, slots=True)
class ZooKeeperConnected(Notice):
    """A session is there, with its timeout in seconds; ``resumed`` where it is an old one."""

    event: ClassVar[str] = "zookeeper.connected"

    session_timeout: float
    resumed: bool


class ZooKeeperSuspended(Notice):
    """ZooKeeper does not answer."""

    __slots__ = ()
    event = "zookeeper.suspended"


class ZooKeeperLost(Notice):
    """The session has ended."""

    __slots__ = ()
    event = "zookeeper.lost"
