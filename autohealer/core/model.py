"""The nouns. Times are monotonic seconds, durations seconds, unless a name says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Instant = float


class Registration(StrEnum):
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a sense that a worker is faulty; ``detail`` is what it saw, for people."""

    sense: Sense
    detail: str


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """What ``run`` was asked for.

    ``ok_exit``: exit codes, and names of signals, that are success.
    """

    name: str
    workers: int
    registration: Registration = Registration.AUTO
    register_grace_s: float = 2.0
    start_timeout_s: float = 60.0
    stop_signal: int = 15
    stop_timeout_s: float = 10.0
    stable_after_s: float = 10.0
    backoff_max_s: float = 30.0
    restart: RestartPolicy = RestartPolicy.ALWAYS
    ok_exit: frozenset[int | str] = frozenset({0})
    max_failures: int | None = None
    on_partition: OnPartition = OnPartition.KEEP
    capacity: int | None = None
    drain_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class WorkerId:
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
        return cls(agent, int(number), rest)

    @classmethod
    def agent_of(cls, text: str | None) -> str | None:
        """Whose worker this is; None where it is no worker id."""
        identity = cls.parse(text) if text is not None else None
        return None if identity is None else identity.agent


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """What an agent says of itself to the leader. ``plan`` is the mzxid of the plan that it follows."""

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


@dataclass(frozen=True, slots=True)
class Plan:
    """How many workers each agent is to run; every agent that lives is named.

    ``epoch`` is the czxid of its writer's election znode; ``anonymous``: there are anonymous registrations.
    """

    epoch: int
    leader: str
    target: int
    foreign: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Child:
    """An ephemeral child of ``/workers``; ``worker`` is the id that it names, None where it is anonymous."""

    name: str
    worker: str | None
