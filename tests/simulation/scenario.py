"""A life of a cluster from a seed: what happens, when, and what must hold in the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from autohealer.core.model import OnPartition, RegistrationMode
from tests.simulation.host import SESSION_S, Ledger
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.host import Host

MOST_HOSTS = 7
STEPS = 25

Fault = Callable[[World, "Host", random.Random], bool]
"""Does something, if it can be done now."""


def _worker(_: World, host: Host, dice: random.Random) -> bool:
    if host.processes:
        host.end_worker(dice.choice(sorted(host.processes)))
    return bool(host.processes)


def _half(_: World, host: Host, dice: random.Random) -> bool:
    for worker in sorted(host.processes):
        if dice.random() < 0.5:
            host.end_worker(worker)
    return True


def _part(_: World, host: Host, __: random.Random) -> bool:
    host.network.block()
    return True


def _part_up(_: World, host: Host, __: random.Random) -> bool:
    host.network.block(down=False)
    return True


def _part_down(_: World, host: Host, __: random.Random) -> bool:
    host.network.block(up=False)
    return True


def _slow(_: World, host: Host, dice: random.Random) -> bool:
    host.network.slow_s = dice.choice([0.1, 1.0, 5.0])
    return True


def _mend(_: World, host: Host, __: random.Random) -> bool:
    host.network.mend()
    return True


def _freeze(_: World, host: Host, __: random.Random) -> bool:
    if host.agent is None or host.agent.frozen:
        return False
    host.agent.freeze()
    return True


def _thaw(_: World, host: Host, __: random.Random) -> bool:
    if host.agent is None or not host.agent.frozen:
        return False
    host.agent.thaw()
    return True


def _crash(_: World, host: Host, __: random.Random) -> bool:
    if host.agent is None:
        return False
    host.crash()
    return True


def _kill(_: World, host: Host, __: random.Random) -> bool:
    if host.agent is None:
        return False
    host.kill_agent()
    return True


def _start(_: World, host: Host, __: random.Random) -> bool:
    if host.agent is not None:
        return False
    host.start()
    return True


def _start_without_ledger(_: World, host: Host, __: random.Random) -> bool:
    if host.agent is not None:
        return False
    host.ledger = Ledger()
    host.start()
    return True


def _restart(world: World, host: Host, dice: random.Random) -> bool:
    return _kill(world, host, dice) and _start(world, host, dice)


def _join(world: World, host: Host, __: random.Random) -> bool:
    if len(world.hosts) >= MOST_HOSTS:
        return False
    world.add(host.target)
    return True


def _drain(world: World, host: Host, __: random.Random) -> bool:
    if host.agent is None or len(world.running()) < 2:
        return False
    host.agent.drain()
    return True


def _restart_workers(_: World, host: Host, __: random.Random) -> bool:
    if host.agent is None or host.agent.frozen:
        return False
    host.agent.operate("restart")
    return True


def _expire(world: World, host: Host, __: random.Random) -> bool:
    """The agent's session is ended by somebody at this very moment, whatever is on its way.

    With `stop` nobody may do that: that there are never too many rests on the session's timeout.
    """
    session = host.agent.cluster.session if host.agent is not None else None
    if session is None or world.policy is OnPartition.STOP:
        return False
    return world.server.expire(session[0])


def _expire_unheard(world: World, host: Host, dice: random.Random) -> bool:
    """It is not heard of for so long that its session ends, and then all that it has said arrives."""
    network = host.network
    network.block(down=False)
    world.clock.later(SESSION_S * 2 / 3 + dice.random() * SESSION_S / 2, network.mend)
    return True


def _outage(world: World, _: Host, __: random.Random) -> bool:
    if not world.server.is_up:
        return False
    world.go_away()
    return True


def _return(world: World, _: Host, __: random.Random) -> bool:
    if world.server.is_up:
        return False
    world.come_back()
    return True


def _blink(world: World, _: Host, __: random.Random) -> bool:
    """The server is restarted at once: every connection breaks, and nothing else."""
    if not world.server.is_up:
        return False
    world.go_away()
    world.come_back()
    return True


def _old_journal(world: World, _: Host, dice: random.Random) -> bool:
    """It comes back without the last that it had answered.

    Not with `stop`: a server that forgets sessions before their time, or a plan, can have others start too early.
    """
    if world.server.is_up or world.policy is OnPartition.STOP:
        return False
    world.come_back(forget=dice.choice([1, 2, 5, 20]))
    return True


def _wipe(world: World, _: Host, __: random.Random) -> bool:
    """It comes back with nothing; not with `stop`, as above."""
    if world.server.is_up or world.policy is OnPartition.STOP:
        return False
    world.come_back(wiped=True)
    return True


def _spawns_fail(_: World, host: Host, __: random.Random) -> bool:
    host.spawns_fail = not host.spawns_fail
    return True


FAULTS: Mapping[str, Fault] = {
    "a worker dies": _worker,
    "half of its workers die": _half,
    "cut off": _part,
    "cut off from being heard": _part_up,
    "cut off from hearing": _part_down,
    "slow": _slow,
    "mended": _mend,
    "frozen": _freeze,
    "thawed": _thaw,
    "host lost": _crash,
    "agent killed": _kill,
    "agent started": _start,
    "agent started without its ledger": _start_without_ledger,
    "agent restarted at once": _restart,
    "another host": _join,
    "drained": _drain,
    "workers restarted": _restart_workers,
    "session ended by somebody": _expire,
    "not heard of until its session ends": _expire_unheard,
    "ZooKeeper down": _outage,
    "ZooKeeper up": _return,
    "ZooKeeper restarted": _blink,
    "ZooKeeper up with an old journal": _old_journal,
    "ZooKeeper up without data": _wipe,
    "starts fail, or do not any more": _spawns_fail,
}

#: Of these nobody but the pool's own agents is to lose a worker with `keep`.
GENTLE = (
    "cut off",
    "cut off from being heard",
    "cut off from hearing",
    "slow",
    "mended",
    "frozen",
    "thawed",
    "another host",
    "session ended by somebody",
    "not heard of until its session ends",
    "ZooKeeper down",
    "ZooKeeper up",
    "ZooKeeper restarted",
    "agent restarted at once",
    "workers restarted",
)

PAUSES = (0.0, 0.001, 0.01, 0.1, 0.3, 1.0, 3.0, SESSION_S * 1.5)


class Scenario:
    """One seed's. ``steps``: how many things happen, of ``faults``."""

    def __init__(
        self,
        seed: int,
        policy: OnPartition,
        *,
        registration: RegistrationMode = RegistrationMode.AGENT,
        steps: int = STEPS,
        faults: Mapping[str, Fault] = FAULTS,
    ) -> None:
        self.dice = random.Random(f"{seed} {policy} {registration}")
        self.world = World(seed, policy, registration)
        self.seed, self.steps, self.faults = seed, steps, faults
        self.target = self.dice.randint(1, 12)

    def run(self) -> World:
        """All of it. A failure tells the whole story, and how to see it again."""
        world = self.world
        try:
            for _ in range(self.dice.randint(1, 5)):
                world.add(self.target)
            world.calm()
            if world.policy is OnPartition.STOP:
                world.checks.ceiling = self.target
            world.checks.watch()
            for _ in range(self.steps):
                self._step()
                world.run(self.dice.choice(PAUSES))
            world.calm()
            self._rest()
        except Exception as error:
            raise AssertionError(f"{self}: {error!r}\n  " + "\n  ".join(world.story)) from error
        return world

    def _step(self) -> None:
        world = self.world
        names = list(self.faults)
        host = self.dice.choice(world.hosts)
        name = self.dice.choice(names)
        if self.faults[name](world, host, self.dice):
            world.tell(f"{host.name}: {name}")

    def _rest(self) -> None:
        """Where nothing happens next to nothing is asked, and nothing is started."""
        world = self.world
        frames, starts = world.server.frames, world.checks.starts
        world.run(60.0)
        asked = (world.server.frames - frames) / 60 / max(1, len(world.running()))
        assert asked < 10, f"{asked:.1f} requests a second of each agent at rest"
        assert world.checks.starts == starts, f"{world.checks.starts - starts} workers started at rest"
        assert world.problem() is None, f"at rest, and then: {world.problem()}"

    def __str__(self) -> str:
        """How to see it again."""
        return (
            f"python -m tests.simulation --seed {self.seed} --policy {self.world.policy} "
            f"--registration {self.world.registration} --steps {self.steps}"
        )
