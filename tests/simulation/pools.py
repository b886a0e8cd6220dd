"""The pools of a world: what was asked for, what workers are like, and how many live."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from autohealer.coordination.pool.paths import Paths
from autohealer.core.model import OnPartition, PoolSpec, ReadyWhen, RegistrationMode
from autohealer.processes.launch.spec import LaunchSpec

if TYPE_CHECKING:
    import random

    from tests.simulation.own_session import OwnSession

PROBE = "http://worker/health"
START_TIMEOUT_S = 30.0


class Senses(StrEnum):
    """What looks at the workers of a pool."""

    NONE = "none"
    """A worker is ready by having lived for a while."""
    PROBE = "probe"
    MESSAGES = "messages"
    """READY=1, beats, and a counter of finished work."""


class Flaw(StrEnum):
    """What is wrong with a release."""

    NONE = "none"
    CRASHES = "crashes"
    """Within the soak."""
    HANGS = "hangs"
    """It is never ready."""
    CANNOT_START = "cannot start"


@dataclass(eq=False)
class Pool:
    """``living``: its processes that count, wherever; ``working``: those of them that nobody has told to end."""

    name: str
    target: int
    policy: OnPartition = OnPartition.KEEP
    registration: RegistrationMode = RegistrationMode.AGENT
    senses: Senses = Senses.NONE
    spares: int = 0
    living: int = 0
    working: int = 0
    every_s: float = 20.0
    """So often a worker is probed, or beats."""
    registers_itself: bool = False
    """Its workers have sessions of their own, and register in them."""
    dependency_is_down: bool = False
    """What all its workers need does not answer: all their probes fail."""
    paths: Paths = field(init=False)

    def __post_init__(self) -> None:
        self.paths = Paths("", self.name)

    def spec(self) -> PoolSpec:
        """What each agent is asked for."""
        return PoolSpec(
            self.name,
            self.target,
            registration=self.registration,
            on_partition=self.policy,
            start_timeout_s=START_TIMEOUT_S,
            spares=self.spares,
            probes=(PROBE,) if self.senses is Senses.PROBE else (),
            probe_failures=2,
            ready=ReadyWhen.NOTIFY if self.senses is Senses.MESSAGES else None,
            beat_timeout_s=2.5 * self.every_s if self.senses is Senses.MESSAGES else None,
            progress_timeout_s=3 * self.every_s,
        )


def release(version: int = 1, flaw: Flaw = Flaw.NONE) -> LaunchSpec:
    """What workers are started from."""
    return LaunchSpec(command=("worker", str(version), flaw), env={}, cwd="/", output="none")


@dataclass(eq=False)
class Process:
    """A worker's process. It outlives the agent that started it."""

    pool: Pool
    worker: str
    slot: int | None
    number: int
    pid: int
    revision: int
    command: tuple[str, ...]
    started_at: float
    ready_at: float
    is_spare: bool = False
    was_spare: bool = False
    is_ending: bool = False
    is_silent: bool = False
    """It hangs: it answers no probe, and says nothing."""
    is_stuck: bool = False
    """It answers and beats, and finishes nothing."""
    ignores_sigterm: bool = False
    own_session: OwnSession | None = None
    done: int = 0
    """How much work it has finished."""

    @property
    def flaw(self) -> Flaw:
        """What is wrong with its release."""
        return Flaw(self.command[2])

    @property
    def counts(self) -> bool:
        """Whether it is one of the pool's N: in a slot, or standing in for one."""
        return not self.is_spare

    def serves(self, now: float) -> bool:
        """Whether it does its job."""
        return now >= self.ready_at and not (self.is_ending or self.is_silent or self.is_spare)

    def answers_probe(self, now: float) -> bool:
        return now >= self.ready_at and not (self.is_silent or self.pool.dependency_is_down)


def random_pool(name: str, policy: OnPartition, registration: RegistrationMode, dice: random.Random) -> Pool:
    """One of some kind."""
    senses = dice.choice([Senses.NONE, Senses.NONE, Senses.PROBE, Senses.MESSAGES])
    spares = dice.choice([0, 0, 0, 1]) if policy is OnPartition.KEEP else 0
    return Pool(name, dice.randint(1, 12), policy, registration, senses, spares)
