"""A life of a cluster from a seed: what happens, when, and what must hold in the end."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from autohealer.core.model import OnPartition, RegistrationMode
from tests.simulation.faults import FAULTS, Fault
from tests.simulation.pools import Pool, random_pool
from tests.simulation.world import World

STEPS = 25
#: A second, of each agent for each pool where nothing happens; with `stop` it proves its authority once a second.
MOST_REQUESTS = 5
SESSIONS_S = (6.0, 6.0, 6.0, 15.0, 40.0)
NAMES = ("default", "other", "third")

#: In parts of a session timeout, what concerns the network; and moments that are short for any.
PAUSES = (0.0, 0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 9.0)
#: A cluster's life is quiet, as a rule.
QUIET = (*PAUSES, 60.0, 600.0, 3600.0, 4 * 3600.0)


class Scenario:
    """One seed's. ``steps``: how many things happen, of ``faults``, with ``pauses`` between them.

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
        pauses: Sequence[float] = PAUSES,
        pools: Sequence[Pool] | None = None,
        only: frozenset[int] | None = None,
    ) -> None:
        self.dice = random.Random(f"{seed} {policy} {registration}")
        self.policy, self.registration = policy, registration
        names = NAMES[: self.dice.choice([1, 1, 1, 2, 3])]
        drawn = [random_pool(name, policy, registration, self.dice) for name in names]
        self.pools = list(pools) if pools is not None else drawn
        self.world = World(seed, self.pools, session_s=self.dice.choice(SESSIONS_S))
        self.seed, self.steps, self.faults, self.pauses, self.only = seed, steps, faults, pauses, only
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
            pauses=self.pauses,
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
                world.run(self.dice.choice(self.pauses))
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
        asked = (world.server.frames - frames) / 60 / max(1, len(world.running())) / len(self.pools)
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
            f"{' --quiet' if self.pauses is QUIET else ''}{only}"
        )
