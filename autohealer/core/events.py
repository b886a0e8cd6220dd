"""What happened. Each event is a fact, with the monotonic time ``at`` at which it became known."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from autohealer.core.model import AgentEntry, Child, Instant, Plan, SlotAccount
from autohealer.core.operations import Operation
from autohealer.core.rollout_spec import RolloutOrder


class Event(msgspec.Struct, frozen=True):
    """Base of all events."""

    at: Instant


class DeadlineReached(Event, frozen=True):
    """The moment of ``Supervisor.next_deadline`` has come."""


# ---- processes


class WorkerFound(Event, frozen=True):
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


class FinishedFound(Event, frozen=True):
    """Slots that were done or failed in this agent's former life, by the ledger. Comes before any WorkerFound."""

    done: frozenset[int]
    failed: frozenset[int]


class FormerLifeFound(Event, frozen=True):
    """What an agent that left in order has told of itself, by the ledger. Comes before any WorkerFound."""

    draining: bool
    accounts: tuple[SlotAccount, ...]


class WorkerSpawned(Event, frozen=True):
    """The process of a worker runs. ``started`` is the wall-clock time, RFC 3339."""

    worker: str
    pid: int
    started: str


class SpawnFailed(Event, frozen=True):
    """No process came of it; ``temporary`` where it is for want of resources. ``name`` is the error's, as ENOENT."""

    worker: str
    error: str
    temporary: bool
    name: str = ""


class SparePromoted(Event, frozen=True):
    """The spare has been told its slot."""

    worker: str


class PromotionFailed(Event, frozen=True):
    """The spare could not be told: it is about to be gone."""

    worker: str


class ProcessExited(Event, frozen=True):
    """The process is gone. Both ``code`` and ``signal`` are None where it was not this agent's own child.

    ``left``: it left processes that may hold what its replacement needs, such as a port. ``oom``: the kernel has
    killed it for want of memory, where it tells.
    """

    worker: str
    code: int | None
    signal: str | None
    left: bool = False
    oom: bool = False


class OrphansEnded(Event, frozen=True):
    """Nothing that the worker left behind runs any more."""

    worker: str


class Evidence(msgspec.Struct, frozen=True):
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


class EvidenceTaken(Event, frozen=True):
    """What could be learnt from a faulty worker."""

    worker: str
    evidence: Evidence


class ConnectionsSeen(Event, frozen=True):
    """Which of the workers asked about hold a connection to ZooKeeper."""

    workers: frozenset[str]


# ---- senses. Each is about one life; what is told of a life that is gone is ignored. An adapter that knows that it was
# late itself (its timer came an interval late, its process was frozen) tells nothing.


class ProbeAnswered(Event, frozen=True):
    """What came of one probe. All probes of a pool must pass.

    A failure counts ``weight``: one half for a timeout while the host is short of CPU.
    """

    worker: str
    probe: str
    ok: bool
    detail: str
    weight: float = 1.0


class NotifyReceived(Event, frozen=True):
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


class ProgressRead(Event, frozen=True):
    """The worker's counter of finished work, and whether it is ``busy``; None where that could not be read."""

    worker: str
    value: float | None
    busy: bool | None
    detail: str


class Usage(msgspec.Struct, frozen=True):
    """What one worker uses: CPU seconds so far, resident bytes, and the state letter of its process.

    ``traced``: a debugger is at it. ``output_bytes``: how much it has written so far; None where that is not known.
    """

    cpu_s: float
    rss: int
    state: str
    traced: bool
    output_bytes: int | None


class UsageSampled(Event, frozen=True):
    """One look at all workers, by worker id; ``available``: bytes that new processes can have, None if not known."""

    usages: Mapping[str, Usage]
    available: int | None = None


class LogMatched(Event, frozen=True):
    """The worker has written the line that ``--ready log:REGEX`` waits for."""

    worker: str


# ---- people


class HoldRead(Event, frozen=True):
    """The senses whose verdicts are not to be carried out, all of them; ``all`` among them stands for every one."""

    senses: frozenset[str]


class DrainRequested(Event, frozen=True):
    """Stop the workers and end: a signal, or ``autohealer stop``. ``hand_over`` where others are to take over first."""

    cause: str
    hand_over: bool = True


class KillRequested(Event, frozen=True):
    """End at once: the second signal."""


class OperationRequested(Event, frozen=True):
    """Somebody asks for something that makes sense: on this host, or by a request in ZooKeeper that stands.

    ``stood``: the request was there before this agent's first session. ``expired``: it may not be begun any more.
    """

    operation: Operation
    stood: bool = False
    expired: bool = False


class RolloutRequested(Event, frozen=True):
    """Somebody asks for a rollout, and its revision can be started."""

    order: RolloutOrder


class PoolRequestStands(Event, frozen=True):
    """A request for a rollout of the whole pool stands in ZooKeeper.

    ``outcome`` is None where this agent has to do it, as RolloutRequested will say; else what has become of it here.
    """

    request: str
    outcome: str | None


class RequestGone(Event, frozen=True):
    """A request that stood is gone."""

    request: str


# ---- ZooKeeper


class SessionOpened(Event, frozen=True):
    """A session is there: a new one, or (``resumed``) the one that this agent's former life left."""

    timeout_s: float
    resumed: bool


class ConnectionSuspended(Event, frozen=True):
    """ZooKeeper does not answer; the session may or may not live on."""


class ConnectionResumed(Event, frozen=True):
    """ZooKeeper answers again, in the same session."""


class SessionLost(Event, frozen=True):
    """The session has ended, and with it all that was ephemeral."""


class AuthorityProven(Event, frozen=True):
    """ZooKeeper has answered, in this session, what was asked at the moment ``asked_at``."""

    asked_at: Instant


class WatchdogReady(Event, frozen=True):
    """Workers that are started now will be ended when authority runs out, whatever becomes of this agent."""


class WatchdogGone(Event, frozen=True):
    """They will not; another watchdog is on its way."""


class LeadershipWon(Event, frozen=True):
    """This agent leads, for this epoch, until the session ends."""

    epoch: int


class LeadershipLost(Event, frozen=True):
    """The election node of this agent was deleted in mid-term; it stands for election again."""


class IdentityTaken(Event, frozen=True):
    """Another agent that lives goes by this agent's id: a state directory was copied."""


class AccessDenied(Event, frozen=True):
    """ZooKeeper refuses what this agent needs; ``error`` is one line for people."""

    error: str


class TargetRead(Event, frozen=True):
    """The target as it stands; None where there is none."""

    workers: int | None


class PlanRead(Event, frozen=True):
    """The plan as it stands, read or just written; ``mzxid`` is the zxid that wrote it."""

    plan: Plan | None
    mzxid: int


class PlanRefused(Event, frozen=True):
    """The plan was not written: another one leads, or the connection broke, or (``error``) it cannot be."""

    error: str = ""


class AgentsListed(Event, frozen=True):
    """The names of the live agents. From now on nothing is told of what they say, until AgentsRead comes again."""

    names: frozenset[str]


class AgentsRead(Event, frozen=True):
    """The live agents, with what each says of itself (None where that makes no sense), for who has to know it."""

    agents: Mapping[str, AgentEntry | None]


class ChildrenRead(Event, frozen=True):
    """The ephemeral children of ``/workers``; only a leader reads them all."""

    children: tuple[Child, ...]


class RegistrationSeen(Event, frozen=True):
    """The worker has registered itself, under its id, or has changed its ``address``: where it says it is reached."""

    worker: str
    address: str | None = None


class RegistrationGone(Event, frozen=True):
    """The worker's own registration has vanished."""

    worker: str


class StandInMade(Event, frozen=True):
    """The agent's registration for this worker stands."""

    worker: str


class WorkersRecreated(Event, frozen=True):
    """``/workers`` itself was gone, and has been made again."""


class ClusterLeft(Event, frozen=True):
    """Nothing of this agent is left in ZooKeeper (or ZooKeeper is away, and it will expire)."""
