"""What happened. Each event is a fact, with the monotonic time ``at`` at which it became known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autohealer.core.model import AgentEntry, Child, Instant, Plan, SlotAccount
from autohealer.core.operations import Operation
from autohealer.core.rollout_spec import RolloutOrder


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    at: Instant


class DeadlineReached(Event):
    """The moment of ``Supervisor.next_deadline`` has come."""

    __slots__ = ()


# ---- processes


@dataclass(frozen=True, slots=True)
class WorkerFound(Event):
    """A worker of this agent's former life was found alive, ``age_s`` old. Comes before anything else.

    ``slot`` is None where it filled none (a surge); ``number`` is then what ``{slot}`` was for it.
    """

    worker: str
    slot: int | None
    pid: int
    started: str
    age_s: float
    revision: int = 0
    number: int | None = None


@dataclass(frozen=True, slots=True)
class FinishedFound(Event):
    """Slots that were done or failed in this agent's former life, by the ledger. Comes before any WorkerFound."""

    done: frozenset[int]
    failed: frozenset[int]


@dataclass(frozen=True, slots=True)
class FormerLifeFound(Event):
    """What an agent that left in order has told of itself, by the ledger. Comes before any WorkerFound."""

    draining: bool
    accounts: tuple[SlotAccount, ...]


@dataclass(frozen=True, slots=True)
class WorkerSpawned(Event):
    """The process of a worker runs. ``started`` is the wall-clock time, RFC 3339."""

    worker: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class SpawnFailed(Event):
    """No process came of it; ``temporary`` where it is for want of resources. ``name`` is the error's, as ENOENT."""

    worker: str
    error: str
    temporary: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class SparePromoted(Event):
    """The spare has been told its slot."""

    worker: str


@dataclass(frozen=True, slots=True)
class PromotionFailed(Event):
    """The spare could not be told: it is about to be gone."""

    worker: str


@dataclass(frozen=True, slots=True)
class ProcessExited(Event):
    """The process is gone. Both ``code`` and ``signal`` are None where it was not this agent's own child.

    ``left``: it left processes that may hold what its replacement needs, such as a port. ``oom``: the kernel has
    killed it for want of memory, where it tells.
    """

    worker: str
    code: int | None
    signal: str | None
    left: bool = False
    oom: bool = False


@dataclass(frozen=True, slots=True)
class OrphansEnded(Event):
    """Nothing that the worker left behind runs any more."""

    worker: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a faulty worker was doing, as far as could be learnt in a moment; None where it could not.

    ``state``: as in ``S (sleeping)``. ``waits_in``: where in the kernel. ``stack``: of its threads. ``rss``: bytes.
    ``output``: the last lines.
    """

    state: str | None = None
    waits_in: str | None = None
    stack: str | None = None
    rss: int | None = None
    output: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it for people, in some lines: of the output only the last few."""
        said = self.output[-5:]
        if self.state is None:
            return "\n".join(["the process is gone", *said])
        facts = [f"state {self.state}"]
        if self.waits_in is not None:
            facts.append(f"waits in {self.waits_in}")
        if self.rss is not None:
            facts.append(f"{self.rss / 2**20:.1f} MiB resident")
        return "\n".join([", ".join(facts), *((self.stack,) if self.stack else ()), *said])


@dataclass(frozen=True, slots=True)
class EvidenceTaken(Event):
    """What could be learnt from a faulty worker."""

    worker: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class ConnectionsSeen(Event):
    """Which of the workers asked about hold a connection to ZooKeeper."""

    workers: frozenset[str]


# ---- senses. Each is about one life; what is told of a life that is gone is ignored. An adapter that knows that it was
# late itself (its timer came an interval late, its process was frozen) tells nothing.


@dataclass(frozen=True, slots=True)
class ProbeAnswered(Event):
    """What came of one probe. All probes of a pool must pass.

    A failure counts ``weight``: one half for a timeout while the host is short of CPU.
    """

    worker: str
    probe: str
    ok: bool
    detail: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class NotifyReceived(Event):
    """A message of the worker (sd_notify, or ``autohealer.worker``); only what it says is set.

    ``trigger``: the worker calls itself faulty. ``extend_s``: EXTEND_TIMEOUT_USEC, in seconds. ``idle``: it has
    nothing to do. ``task`` begins, with its own limit where it has one; ``task_ended`` has ended.
    """

    worker: str
    ready: bool = False
    beat: bool = False
    trigger: bool = False
    status: str | None = None
    extend_s: float | None = None
    stopping: bool = False
    progress: float | None = None
    idle: bool = False
    task: str | None = None
    task_limit_s: float | None = None
    task_ended: str | None = None


@dataclass(frozen=True, slots=True)
class ProgressRead(Event):
    """The worker's counter of finished work, and whether it is ``busy``; None where that could not be read."""

    worker: str
    value: float | None
    busy: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one worker uses: CPU seconds so far, resident bytes, and the state letter of its process.

    ``traced``: a debugger is at it. ``output_bytes``: how much it has written so far; None where that is not known.
    """

    cpu_s: float
    rss: int
    state: str
    traced: bool
    output_bytes: int | None


@dataclass(frozen=True, slots=True)
class UsageSampled(Event):
    """One look at all workers, by worker id; ``available``: bytes that new processes can have, None if not known."""

    usages: Mapping[str, Usage]
    available: int | None = None


@dataclass(frozen=True, slots=True)
class LogMatched(Event):
    """The worker has written the line that ``--ready log:REGEX`` waits for."""

    worker: str


# ---- people


@dataclass(frozen=True, slots=True)
class HoldRead(Event):
    """The senses whose verdicts are not to be carried out, all of them; ``all`` among them stands for every one."""

    senses: frozenset[str]


@dataclass(frozen=True, slots=True)
class DrainRequested(Event):
    """Stop the workers and end: a signal, or ``autohealer stop``. ``hand_over`` where others are to take over first."""

    cause: str
    hand_over: bool = True


class KillRequested(Event):
    """End at once: the second signal."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OperationRequested(Event):
    """Somebody asks for something that makes sense: on this host, or by a request in ZooKeeper that stands.

    ``stood``: the request was there before this agent's first session.
    """

    operation: Operation
    stood: bool = False


@dataclass(frozen=True, slots=True)
class RolloutRequested(Event):
    """Somebody asks for a rollout, and its revision can be started."""

    order: RolloutOrder


@dataclass(frozen=True, slots=True)
class PoolRequestStands(Event):
    """A request for a rollout of the whole pool stands in ZooKeeper.

    ``outcome`` is None where this agent has to do it, as RolloutRequested will say; else what has become of it here.
    """

    request: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class RequestGone(Event):
    """A request that stood is gone."""

    request: str


# ---- ZooKeeper


@dataclass(frozen=True, slots=True)
class SessionOpened(Event):
    """A session is there: a new one, or (``resumed``) the one that this agent's former life left."""

    timeout_s: float
    resumed: bool


class ConnectionSuspended(Event):
    """ZooKeeper does not answer; the session may or may not live on."""

    __slots__ = ()


class ConnectionResumed(Event):
    """ZooKeeper answers again, in the same session."""

    __slots__ = ()


class SessionLost(Event):
    """The session has ended, and with it all that was ephemeral."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AuthorityProven(Event):
    """ZooKeeper has answered, in this session, what was asked at the moment ``asked_at``."""

    asked_at: Instant


class WatchdogReady(Event):
    """Workers that are started now will be ended when authority runs out, whatever becomes of this agent."""

    __slots__ = ()


class WatchdogGone(Event):
    """They will not; another watchdog is on its way."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LeadershipWon(Event):
    """This agent leads, for this epoch, until the session ends."""

    epoch: int


class LeadershipLost(Event):
    """The election node of this agent was deleted in mid-term; it stands for election again."""

    __slots__ = ()


class IdentityTaken(Event):
    """Another agent that lives goes by this agent's id: a state directory was copied."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AccessDenied(Event):
    """ZooKeeper refuses what this agent needs; ``error`` is one line for people."""

    error: str


@dataclass(frozen=True, slots=True)
class TargetRead(Event):
    """The target as it stands; None where there is none."""

    workers: int | None


@dataclass(frozen=True, slots=True)
class PlanRead(Event):
    """The plan as it stands, read or just written; ``mzxid`` is the zxid that wrote it."""

    plan: Plan | None
    mzxid: int


@dataclass(frozen=True, slots=True)
class PlanRefused(Event):
    """The plan was not written: another one leads, or the connection broke, or (``error``) it cannot be."""

    error: str = ""


@dataclass(frozen=True, slots=True)
class AgentsListed(Event):
    """The names of the live agents. From now on nothing is told of what they say, until AgentsRead comes again."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class AgentsRead(Event):
    """The live agents, with what each says of itself (None where that makes no sense), for who has to know it."""

    agents: Mapping[str, AgentEntry | None]


@dataclass(frozen=True, slots=True)
class ChildrenRead(Event):
    """The ephemeral children of ``/workers``; only a leader reads them all."""

    children: tuple[Child, ...]


@dataclass(frozen=True, slots=True)
class RegistrationSeen(Event):
    """The worker has registered itself, under its id, or has changed its ``address``: where it says it is reached."""

    worker: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class RegistrationGone(Event):
    """The worker's own registration has vanished."""

    worker: str


@dataclass(frozen=True, slots=True)
class StandInMade(Event):
    """The agent's registration for this worker stands."""

    worker: str


class WorkersRecreated(Event):
    """``/workers`` itself was gone, and has been made again."""

    __slots__ = ()


class ClusterLeft(Event):
    """Nothing of this agent is left in ZooKeeper (or ZooKeeper is away, and it will expire)."""

    __slots__ = ()
