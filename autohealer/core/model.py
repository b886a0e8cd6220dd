"""The nouns. Times are monotonic seconds, durations seconds, unless a name says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from sys import intern

import msgspec

Instant = float

MOST_WORKERS = 100_000
"""The largest target that a person can ask for."""


def part(of: int | float, whole: int) -> int:
    """A number as it is, a part (a float) of the whole rounded down; at least one."""
    return max(1, int(of * whole + 1e-9) if isinstance(of, float) else of)


class RegistrationMode(StrEnum):
    """Who makes the registration of a worker: ``--registration``."""

    AUTO = "auto"
    SELF = "self"
    AGENT = "agent"


class OnPartition(StrEnum):
    """What an agent does that is cut off: ``--on-partition``."""

    KEEP = "keep"
    STOP = "stop"


class RestartPolicy(StrEnum):
    """Which end of a worker is followed by a start: ``--restart``."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


class ExitOn(StrEnum):
    """Which workers' end for good ends the agent: ``--exit-on``. Without one it ends when all have ended for good."""

    NEVER = "never"
    ANY_FAILED = "any-failed"
    ALL_FAILED = "all-failed"
    FIRST_EXIT = "first-exit"


class ReadyWhen(StrEnum):
    """When a worker counts as ready: ``--ready``."""

    REGISTERED = "registered"
    PROBE = "probe"
    NOTIFY = "notify"
    LOG = "log"
    AFTER = "after"
    STARTED = "started"


class Sense(StrEnum):
    """What looks at workers; its name is the cause of its verdicts."""

    REGISTRATION = "registration"
    PROBE = "probe"
    BEAT = "beat"
    TASK = "task"
    PROGRESS = "progress"
    SILENT = "silent"
    STOPPED = "stopped"
    MEMORY = "memory"
    AGE = "age"
    NOT_READY = "not-ready"


class Verdict(msgspec.Struct, frozen=True):
    """The judgement of a sense that a worker is faulty; ``detail`` is what it saw, for people."""

    sense: Sense
    detail: str


class Hold(msgspec.Struct, frozen=True):
    """Verdicts of these ``senses`` are not carried out, because somebody asked for that; ``all`` is every one."""

    senses: frozenset[str]
    by: str
    since: str
    """RFC 3339."""


class PoolSpec(msgspec.Struct, frozen=True):
    """What ``run`` was asked for.

    ``ok_exit``: exit codes, and names of signals, that are success. ``ready``: None where it was not said, so that it
    is ``probe`` with a probe, ``notify`` once a worker has sent READY=1, else ``registered``. ``max_faulty``: how many
    may be replaced for a verdict at once, a number of workers or (a float) a part of this agent's share. A sense whose
    limit is None is not asked for.
    """

    name: str
    workers: int
    registration: RegistrationMode = RegistrationMode.AUTO
    register_grace_s: float = 2.0
    start_timeout_s: float = 60.0
    stop_signal: int = 15
    stop_timeout_s: float = 10.0
    stable_after_s: float = 10.0
    backoff_max_s: float = 30.0
    restart: RestartPolicy = RestartPolicy.ALWAYS
    ok_exit: frozenset[int | str] = frozenset({0})
    exit_on: ExitOn = ExitOn.NEVER
    max_failures: int | None = None
    on_partition: OnPartition = OnPartition.KEEP
    capacity: int | None = None
    drain_timeout_s: float = 30.0
    ready: ReadyWhen | None = None
    ready_after_s: float = 0.0
    probes: tuple[str, ...] = ()
    probe_failures: int = 3
    probe_timeout_s: float = 2.0
    beat_timeout_s: float | None = None
    task_timeout_s: float | None = None
    progress_timeout_s: float = 120.0
    progress_from_url: bool = False
    stopped_timeout_s: float | None = None
    silence_timeout_s: float | None = None
    max_rss: int | None = None
    kill_rss: int | None = None
    max_age_s: float | None = None
    max_faulty: int | float = 0.25
    spares: int = 0
    port_base: int | None = None

    @property
    def has_senses(self) -> bool:
        """Whether anything has to look at each worker: probes, a counter of progress, its process, its output."""
        looks = (self.stopped_timeout_s, self.silence_timeout_s, self.max_rss, self.kill_rss)
        asked = any(limit is not None for limit in looks)
        return asked or bool(self.probes) or self.progress_from_url or self.ready is ReadyWhen.LOG

    @property
    def limits_usage(self) -> bool:
        """Whether anything asks for more of a process than whether it is stopped."""
        return any(limit is not None for limit in (self.silence_timeout_s, self.max_rss, self.kill_rss))


class WorkerId(msgspec.Struct, frozen=True):
    """``AGENT-NUMBER-UNIQUE``: one life, for ever. What it tells is whose it is (``agent``).

    ``number`` is for people: the slot that the life was started in, as a rule. Which slot it fills is known to its
    agent alone.
    """

    agent: str
    number: int
    unique: str

    def __str__(self) -> str:
        return f"{self.agent}-{self.number}-{self.unique}"

    @classmethod
    def parse(cls, text: str) -> WorkerId | None:
        """The id that this text is, or None. An agent's id may hold dashes; a number is digits alone."""
        agent, _, rest = text.rpartition("-")
        agent, _, number = agent.rpartition("-")
        if not (agent and rest.isalnum() and number.isascii() and number.isdigit() and len(number) <= 9):
            return None
        return cls(intern(agent), int(number), rest)  # it is the same for thousands, and kept for each

    @classmethod
    def agent_of(cls, text: str | None) -> str | None:
        """Whose worker this is; None where it is no worker id."""
        identity = cls.parse(text) if text is not None else None
        return None if identity is None else identity.agent


class RevisionEntry(msgspec.Struct, frozen=True):
    """What an agent says of its revision: number and hash of the present one, how many lives are ``old``, still to be
    exchanged, and the ``outcome`` of its last rollout: ``done`` or ``undone``, and the request's name.
    """

    number: int
    hash: str
    old: int = 0
    outcome: str | None = None


class RolloutView(msgspec.Struct, frozen=True):
    """The rollout that is under way on an agent, for people; ``former`` and ``revision`` are what it leads between."""

    verb: str
    by: str
    former: int
    revision: int
    exchanged: int
    of: int


class AgentEntry(msgspec.Struct, frozen=True):
    """What an agent says of itself to the leader.

    ``plan`` is the mzxid of the plan that it follows, ``policy`` what all agents of a pool should agree on.
    """

    host: str
    pid: int
    version: str
    share: int = 0
    running: int = 0
    unregistered: int = 0
    departed: int = 0
    capacity: int | None = None
    draining: bool = False
    http: str | None = None
    plan: int = 0
    policy: Mapping[str, str] = msgspec.field(default_factory=dict)
    revision: RevisionEntry | None = None


class SlotAccount(msgspec.Struct, frozen=True):
    """What a slot has left of its restarts, as one agent hands it to the next; ``wait_s`` until it may start again."""

    slot: int
    tokens: float
    throttled: int
    failures: int
    wait_s: float


class Plan(msgspec.Struct, frozen=True):
    """How many workers each agent is to run; every agent that lives is named.

    ``epoch`` is the czxid of its writer's election znode; ``anonymous``: there are anonymous registrations.
    ``finishes``: workers may finish, so the leader's agent is the only one that has any. ``turn``: which agent may roll
    out.
    """

    epoch: int
    leader: str
    target: int
    foreign: int = 0
    shares: Mapping[str, int] = msgspec.field(default_factory=dict)
    anonymous: bool = False
    finishes: bool = False
    turn: str | None = None


class Child(msgspec.Struct, frozen=True):
    """An ephemeral child of ``/workers``; ``worker`` is the id that it names, None where it is anonymous."""

    name: str
    worker: str | None
