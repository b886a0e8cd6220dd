"""A life of a cluster from a seed: what happens, when, and what must hold in the end."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum

from autohealer.core.model import OnPartition, RegistrationMode
from tests.simulation.faults import FAULTS, Fault
from tests.simulation.pools import Pool, random_pool
from tests.simulation.world import World

STEPS = 25
#: A second, of each agent for each pool where nothing happens; with `stop` it proves its authority once a second.
MOST_REQUESTS = 5
NAMES = ("default", "other", "third")
HOUR_S, DAY_S = 3600.0, 24 * 3600.0
#: In parts of a session timeout, what concerns the network; and moments that are short for any.
MOMENTS_S = (0.0, 0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 9.0)


class Pace(Enum):
    """How soon one thing follows another: the pauses between them; the sessions; how often workers are looked at."""

    DENSE = MOMENTS_S, (6.0, 6.0, 6.0, 15.0, 40.0), 20.0
    """All faults meet each other."""
    QUIET = (*MOMENTS_S, 60.0, 600.0, HOUR_S, 4 * HOUR_S), (6.0, 6.0, 6.0, 15.0, 40.0), 20.0
    """Hours between some of them."""
    LONG = (*MOMENTS_S, *MOMENTS_S, HOUR_S, 6 * HOUR_S, DAY_S, 3 * DAY_S), (15.0, 40.0, 60.0), 600.0
    """As in production: weeks, with some bursts of faults."""

    def __init__(self, pauses_s: tuple[float, ...], sessions_s: tuple[float, ...], every_s: float) -> None:
        self.pauses_s, self.sessions_s, self.every_s = pauses_s, sessions_s, every_s


class Scenario:
    """One seed's. ``steps``: how many things happen, of ``faults``, at which ``pace``.

    ``only`` is what happens, by the number of its step, where a failure is made smaller. ``pools``: of what kind they
    are, where the seed does not decide that.
    """

    def __init__(
        self,
        seed: int,
        policy: OnPartition,
        *,
        registration: RegistrationMode = RegistrationMode.AGENT,
        steps: int = STEPS,
        faults: Mapping[str, Fault] = FAULTS,
        pace: Pace = Pace.DENSE,
        pools: Sequence[Pool] | None = None,
        only: frozenset[int] | None = None,
    ) -> None:
        self.dice = random.Random(f"{seed} {policy} {registration}")
        self.policy, self.registration = policy, registration
        names = NAMES[: self.dice.choice([1, 1, 1, 2, 3])]
        drawn = [random_pool(name, policy, registration, self.dice) for name in names]
        self.pools = list(pools) if pools is not None else drawn
        of_registration = random.Random(f"{seed} registration")
        for pool in self.pools:
            pool.every_s = pace.every_s
            pool.registers_itself = registration is RegistrationMode.AUTO and of_registration.random() < 0.5
        self.world = World(seed, self.pools, session_s=self.dice.choice(pace.sessions_s))
        self.world.pings_are_short = pace is not Pace.DENSE
        self.seed, self.steps, self.faults, self.pace, self.only = seed, steps, faults, pace, only
        self._begun_with = [replace(pool) for pool in self.pools]
        self.happened: list[int] = []
        """The steps at which something did."""
        self.rest_s = 0.0
        """Until all was as wanted, once nothing happened any more."""

    def with_only(self, only: frozenset[int]) -> Scenario:
        """The same from its beginning, with these steps alone."""
        scenario = Scenario(
            self.seed,
            self.policy,
            registration=self.registration,
            steps=self.steps,
            faults=self.faults,
            pace=self.pace,
            pools=[replace(pool) for pool in self._begun_with],
            only=only,
        )
        scenario.world.watches_readiness = self.world.watches_readiness
        return scenario

    def run(self) -> World:
        """All of it. A failure tells the whole story, and how to see it again."""
        world = self.world
        try:
            for _ in range(self.dice.randint(1, 5)):
                world.add()
            world.calm()
            for checks, pool in zip(world.checks, self.pools, strict=True):
                if pool.policy is OnPartition.STOP:
                    checks.ceiling = pool.target
                checks.watch()
            for step in range(self.steps):
                self._step(step)
                world.run(self.dice.choice(self.pace.pauses_s))
            self.rest_s = world.calm()
            self._rest()
        except Exception as error:
            raise AssertionError(f"{self}: {error!r}\n  " + "\n  ".join(world.story)) from error
        return world

    def _step(self, step: int) -> None:
        """Each step has dice of its own, so that it is the same whatever is left out before it."""
        world, dice = self.world, random.Random(f"{self.seed} {step}")
        host, pool, name = dice.choice(world.hosts), dice.choice(self.pools), dice.choice(list(self.faults))
        if (self.only is None or step in self.only) and self.faults[name](world, host, pool, dice):
            self.happened.append(step)
            world.tell(f"{host.name}, {pool.name}: {name}")

    def _rest(self) -> None:
        """Where nothing happens next to nothing is asked, and nothing is started."""
        world = self.world
        starts = sum(checks.starts for checks in world.checks)
        frames = world.server.frames
        world.run(60.0)
        clients = len(world.running()) * len(self.pools)
        clients += sum(each.own_session is not None for host in world.hosts for each in host.processes.values())
        asked = (world.server.frames - frames) / 60 / max(1, clients)
        assert asked < MOST_REQUESTS, f"{asked:.1f} requests a second of each agent at rest"
        started = sum(checks.starts for checks in world.checks) - starts
        assert started == 0, f"{started} workers started at rest"
        assert world.problem() is None, f"at rest, and then: {world.problem()}"

    def __str__(self) -> str:
        """How to see it again."""
        only = "" if self.only is None else f" --only {','.join(map(str, sorted(self.only)))}"
        return (
            f"python -m tests.simulation --seed {self.seed} --policy {self.policy} "
            f"--registration {self.registration} --steps {self.steps}"
            f"{'' if self.pace is Pace.DENSE else f' --pace {self.pace.name.lower()}'}{only}"
        )
