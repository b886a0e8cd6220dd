"""What people are told: one class for each event of ``autohealer events``, with its fields.

They are typed here, are told as an `EventRecord`, and become JSON (`fields_of`) only where they leave the agent;
``views/reading`` reads that again. ``event`` is the name that people see. A field named in ``optional`` is left out
where it is None; every other field is always there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec


class Notice(msgspec.Struct, frozen=True):
    """Base of all notices."""

    event: ClassVar[str]
    optional: ClassVar[frozenset[str]] = frozenset()


class EventRecord(msgspec.Struct):
    """An event as it is told: when (RFC 3339), and what. Of a line without a time that is None, the name may be empty.

    ``pool`` is named where a process has several. Never changed, only replaced; not frozen, as each heal makes some.
    """

    time: str | None
    event: str
    notice: Notice | None = None
    """None for an event that this version does not know."""

    pool: str | None = None
    read: Mapping[str, object] | None = None
    """All fields of a line that was read, by whichever version it was written: they are handed on as they are."""

    is_odd: bool = False
    """Whether some field of that line is not what it should be. It is not in ``notice`` then."""

    @property
    def slot(self) -> int | None:
        """The slot that it is about; None where it is about none, or about a life that fills none."""
        return self.notice.slot if isinstance(self.notice, WorkerNotice) else None


def as_fields(notice: Notice) -> dict[str, object]:
    """The notice's fields, in their order."""
    fields: dict[str, object] = {}
    for name in notice.__struct_fields__:
        value = getattr(notice, name)
        if value is not None or name not in notice.optional:
            fields[name] = list(value) if isinstance(value, tuple) else value
    return fields


def fields_of(record: EventRecord) -> Mapping[str, object]:
    """The fields of the event, in their order, as programs get them."""
    if record.read is not None:
        return record.read
    fields: dict[str, object] = {"time": record.time, "event": record.event}
    if record.notice is not None:
        fields |= as_fields(record.notice)
    if record.pool is not None:
        fields["pool"] = record.pool
    return fields


# ---- workers


class WorkerNotice(Notice, frozen=True):
    """Something about one life. ``slot`` is None for a spare and a surge, ``pid`` where there is no process."""

    worker: str | None
    pid: int | None
    slot: int | None


class WorkerStarted(WorkerNotice, frozen=True):
    """A process runs.

    ``heal_ms``: since the end of the life before it, only where that was a death or a verdict and this start was due at
    once. ``backoff_ms``: how long the slot had waited instead.
    """

    event: ClassVar[str] = "worker.started"
    optional: ClassVar[frozenset[str]] = frozenset({"heal_ms", "backoff_ms"})

    revision: int
    heal_ms: float | None = None
    backoff_ms: float | None = None


class WorkerPromoted(WorkerNotice, frozen=True):
    """A spare has taken a slot. ``heal_ms`` and ``backoff_ms`` as in WorkerStarted."""

    event: ClassVar[str] = "worker.promoted"
    optional: ClassVar[frozenset[str]] = frozenset({"heal_ms", "backoff_ms"})

    revision: int
    heal_ms: float | None = None
    backoff_ms: float | None = None


class WorkerReady(WorkerNotice, frozen=True):
    """It does its job, as far as ``--ready`` can tell."""

    event = "worker.ready"


class WorkerUnready(WorkerNotice, frozen=True):
    """It was ready and is not now. That condemns it only once its sense says so."""

    event: ClassVar[str] = "worker.unready"

    detail: str


class WorkerExited(WorkerNotice, frozen=True):
    """The process ended unasked. ``cause``: ``exit 1``, ``SIGKILL``, ``ended``, or the sense that condemned it."""

    event: ClassVar[str] = "worker.exited"

    code: int | None
    signal: str | None
    uptime: float
    cause: str = "ended"


class WorkerStopped(WorkerNotice, frozen=True):
    """The process ended because somebody asked for that."""

    event: ClassVar[str] = "worker.stopped"

    code: int | None
    signal: str | None
    uptime: float


class WorkerFaulty(WorkerNotice, frozen=True):
    """A verdict is being carried out. ``cause`` is the name of its sense, ``detail`` what that saw."""

    event: ClassVar[str] = "worker.faulty"

    cause: str
    detail: str
    evidence: str | None


class WorkerHeld(WorkerNotice, frozen=True):
    """A verdict is not carried out: by the brake, or because somebody asked (``hold``)."""

    event: ClassVar[str] = "worker.held"

    cause: str
    detail: str


class WorkerAdopted(WorkerNotice, frozen=True):
    """A worker of this agent's former life was found alive."""

    event = "worker.adopted"


class WorkerBackoff(WorkerNotice, frozen=True):
    """The slot waits ``delay`` seconds before its next start. ``output``: the last lines, where they are kept."""

    event: ClassVar[str] = "worker.backoff"
    optional: ClassVar[frozenset[str]] = frozenset({"output"})

    delay: float
    reason: str
    output: tuple[str, ...] | None = None


class WorkerDone(WorkerNotice, frozen=True):
    """The slot's worker has ended for good."""

    event: ClassVar[str] = "worker.done"

    failed: bool


# ---- the pool


class PoolBelow(Notice, frozen=True):
    """Fewer are ready than this agent's share."""

    event: ClassVar[str] = "pool.below"

    running: int
    share: int


class PoolRecovered(Notice, frozen=True):
    """All of the share are ready again, after so many seconds."""

    event: ClassVar[str] = "pool.recovered"

    running: int
    share: int
    seconds: float


class TargetChanged(Notice, frozen=True):
    """Another target. ``asked`` is what ``run`` asked for, where another one stood."""

    event: ClassVar[str] = "target.changed"
    optional: ClassVar[frozenset[str]] = frozenset({"asked"})

    target: int
    former: int | None
    asked: int | None = None


class PlanChanged(Notice, frozen=True):
    """Another plan."""

    event: ClassVar[str] = "plan.changed"

    target: int
    foreign: int
    shares: Mapping[str, int]


# ---- rollouts


class RolloutNotice(Notice, frozen=True):
    """Something about a rollout: from revision ``former`` to ``revision``; so many slots of so many are exchanged."""

    verb: str
    by: str
    former: int
    revision: int
    exchanged: int
    of: int


class RolloutStarted(RolloutNotice, frozen=True):
    """It has begun here."""

    event: ClassVar[str] = "rollout.started"

    soak: float
    parallel: int


class RolloutStep(RolloutNotice, frozen=True):
    """It is a step further, as ``detail`` says."""

    event: ClassVar[str] = "rollout.step"

    detail: str


class RolloutFinished(RolloutNotice, frozen=True):
    """All are exchanged; ``detail`` says what lacks where it was forced."""

    event: ClassVar[str] = "rollout.finished"

    seconds: float
    detail: str


class RolloutUndone(RolloutNotice, frozen=True):
    """It did not go well, as ``detail`` says, and what could go back has gone back."""

    event: ClassVar[str] = "rollout.undone"

    seconds: float
    detail: str


# ---- the configuration file


class ConfigChanged(Notice, frozen=True):
    """The file was read again, and differs in these pools: it is being applied."""

    event: ClassVar[str] = "config.changed"

    file: str
    pools: tuple[str, ...]


class ConfigInvalid(Notice, frozen=True):
    """The file was read again, and does not hold: nothing was changed."""

    event: ClassVar[str] = "config.invalid"

    file: str
    detail: str


# ---- what people asked for


class OperationNotice(Notice, frozen=True):
    """What has become of what ``by`` asked for."""

    verb: str
    subject: str
    by: str
    detail: str


class OperationDone(OperationNotice, frozen=True):
    """It is done."""

    event: ClassVar[str] = "operation.done"


class OperationRefused(OperationNotice, frozen=True):
    """It is not done, and ``detail`` says why."""

    event: ClassVar[str] = "operation.refused"


# ---- agents


class AgentJoined(Notice, frozen=True):
    """An agent of this pool is there."""

    event: ClassVar[str] = "agent.joined"

    agent: str


class AgentLeft(Notice, frozen=True):
    """An agent of this pool is gone."""

    event: ClassVar[str] = "agent.left"

    agent: str


class AgentDraining(Notice, frozen=True):
    """This agent gives its workers away, because of ``cause``."""

    event: ClassVar[str] = "agent.draining"

    agent: str
    cause: str


class LeaderElected(Notice, frozen=True):
    """Another agent leads."""

    event: ClassVar[str] = "leader.elected"

    leader: str
    epoch: int


class LeaderLost(Notice, frozen=True):
    """This agent leads no more."""

    event: ClassVar[str] = "leader.lost"

    leader: str
    epoch: int


# ---- ZooKeeper


class ZooKeeperConnected(Notice, frozen=True):
    """A session is there, with its timeout in seconds; ``resumed`` where it is an old one."""

    event: ClassVar[str] = "zookeeper.connected"

    session_timeout: float
    resumed: bool


class ZooKeeperSuspended(Notice, frozen=True):
    """ZooKeeper does not answer."""

    event = "zookeeper.suspended"


class ZooKeeperLost(Notice, frozen=True):
    """The session has ended."""

    event = "zookeeper.lost"


# ---- what does not work


class Warned(Notice, frozen=True):
    """A line for people about what does not work and need not stop anything. Dashboards hear of it, no file does."""

    event: ClassVar[str] = "warning"

    text: str
