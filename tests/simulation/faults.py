"""What may happen to a cluster: a function each, which does it if it can be done now."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from autohealer.core.model import OnPartition
from tests.simulation.member import of_host
from tests.simulation.pools import Flaw

if TYPE_CHECKING:
    from tests.simulation.host import Host
    from tests.simulation.pools import Pool
    from tests.simulation.world import World

MOST_HOSTS = 7
MOST_WORKERS = 12
MOST_JUMP_S = 5 * 3600.0

Fault = Callable[["World", "Host", "Pool", random.Random], bool]
"""Does something to a host or a pool, if it can be done now."""


# ---- workers


def _worker_dies(_: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    if workers := host.of(pool):
        host.end_process(dice.choice(workers))
    return bool(workers)


def _half_die(_: World, host: Host, __: Pool, dice: random.Random) -> bool:
    for worker in sorted(host.processes):
        if dice.random() < 0.5:
            host.end_worker(worker)
    return True


def _worker_hangs(_: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    """It says nothing any more; where nothing looks at workers nobody could tell."""
    workers = host.of(pool)
    if not workers or (pool.senses == "none" and not pool.registers_itself):
        return False
    worker = dice.choice(workers)
    worker.is_silent, worker.ignores_sigterm = True, dice.random() < 0.5
    return True


def _worker_is_stuck(_: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    workers = host.of(pool)
    if not workers or pool.senses != "messages":
        return False
    dice.choice(workers).is_stuck = True
    return True


def _worker_loses_session(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    """It makes another one, and registers again."""
    sessions = [worker.own_session for worker in host.of(pool) if worker.own_session is not None]
    session_id = dice.choice(sessions).session_id if sessions else None
    return session_id is not None and world.server.expire(session_id)


def _dependency_fails(_: World, __: Host, pool: Pool, ___: random.Random) -> bool:
    pool.dependency_is_down = not pool.dependency_is_down
    return pool.senses == "probe"


def _crash_loop(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    host.crashes_workers = not host.crashes_workers
    return True


def _spawns_fail(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    host.spawns_fail = not host.spawns_fail
    return True


# ---- the network


def _cut_off(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    host.network.block()
    return True


def _unheard(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    host.network.block(down=False)
    return True


def _deaf(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    host.network.block(up=False)
    return True


def _slow(_: World, host: Host, __: Pool, dice: random.Random) -> bool:
    host.network.slow_s = dice.choice([0.1, 1.0, 5.0])
    return True


def _old_connections_slow(_: World, host: Host, __: Pool, dice: random.Random) -> bool:
    """What was sent on them arrives behind what is sent on newer ones."""
    host.network.delay_open(dice.choice([0.5, 2.0, 10.0]))
    return True


def _mended(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    host.network.mend()
    return True


# ---- agents


def _freeze(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    if host.agent is None or host.agent.frozen:
        return False
    host.agent.freeze()
    return True


def _thaw(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    if host.agent is None or not host.agent.frozen:
        return False
    host.agent.thaw()
    return True


def _crash(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    if host.agent is None:
        return False
    host.crash()
    return True


def _kill(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    if host.agent is None:
        return False
    host.kill_agent()
    return True


def _leave(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    if host.agent is None or host.agent.frozen:
        return False
    if any(member.supervisor.reason_to_stay() for member in host.agent.members.values()):
        return False
    host.leave()
    return True


def _start(_: World, host: Host, __: Pool, ___: random.Random) -> bool:
    if host.agent is not None:
        return False
    host.start()
    return True


def _restart(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    return _kill(world, host, pool, dice) and _start(world, host, pool, dice)


def _restart_with(what: str) -> Fault:
    """The agent is killed, something becomes of its ledger, and the next one comes."""

    def fault(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
        _kill(world, host, pool, dice)
        disk = host.disks[pool.name]
        if what == "old":
            disk.age(dice)
        elif what == "damaged":
            disk.damage(dice)
        else:
            disk.lose()
        return _start(world, host, pool, dice)

    return fault


def _disk_fails(_: World, host: Host, pool: Pool, __: random.Random) -> bool:
    host.disks[pool.name].is_failing = not host.disks[pool.name].is_failing
    return True


def _clock_jumps(_: World, host: Host, __: Pool, dice: random.Random) -> bool:
    """The wall clock alone."""
    host.wall_offset_s = dice.choice([0.0, MOST_JUMP_S, -MOST_JUMP_S, dice.uniform(-5, 5)])
    return True


def _join(world: World, _: Host, __: Pool, ___: random.Random) -> bool:
    if len(world.hosts) >= MOST_HOSTS:
        return False
    world.add()
    return True


# ---- ZooKeeper


def _expire(world: World, host: Host, pool: Pool, __: random.Random) -> bool:
    """The agent's session is ended by somebody at this very moment, whatever is on its way.

    With `stop` nobody may do that: that there are never too many rests on the session's timeout.
    """
    member = of_host(host, pool)
    session = member.cluster.session if member is not None else None
    if session is None or pool.policy is OnPartition.STOP:
        return False
    return world.server.expire(session[0])


def _expire_unheard(world: World, host: Host, _: Pool, dice: random.Random) -> bool:
    """It is not heard of for so long that its session ends, and then all that it has said arrives."""
    network = host.network
    network.block(down=False)
    world.clock.later(world.session_s * 2 / 3 + dice.random() * world.session_s / 2, network.mend)
    return True


def _outage(world: World, _: Host, __: Pool, ___: random.Random) -> bool:
    if not world.server.is_up:
        return False
    world.go_away()
    return True


def _return(world: World, _: Host, __: Pool, ___: random.Random) -> bool:
    if world.server.is_up:
        return False
    world.come_back()
    return True


def _blink(world: World, _: Host, __: Pool, ___: random.Random) -> bool:
    """The server is restarted at once: every connection breaks, and nothing else."""
    if not world.server.is_up:
        return False
    world.go_away()
    world.come_back()
    return True


def _crash_in_write(world: World, _: Host, __: Pool, dice: random.Random) -> bool:
    """The server is killed in the middle of the next record of its journal, and started again."""
    if not world.server.is_up:
        return False
    world.server.crash_in_next_write(dice)
    return True


def _old_journal(world: World, _: Host, pool: Pool, dice: random.Random) -> bool:
    """It comes back without the last that it had answered.

    Not with `stop`: a server that forgets sessions before their time, or a plan, can have others start too early.
    """
    if world.server.is_up or pool.policy is OnPartition.STOP:
        return False
    world.come_back(forget=dice.choice([1, 2, 5, 20]))
    return True


def _wipe(world: World, _: Host, pool: Pool, __: random.Random) -> bool:
    """It comes back with nothing; not with `stop`, as above."""
    if world.server.is_up or pool.policy is OnPartition.STOP:
        return False
    world.come_back(wiped=True)
    return True


# ---- what people ask for


def _ask(verb: str) -> Fault:
    def fault(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
        member = of_host(host, pool)
        if member is None or member.has_exited or host.is_frozen:
            return False
        subject = ""
        if verb == "kill":
            if not (workers := [worker for each in world.hosts for worker in each.of(pool) if worker.counts]):
                return False
            subject = dice.choice(workers).worker
        elif verb in ("hold", "release"):
            subject = dice.choice(["", "probe", "beat"])
        member.ask(verb, subject)
        return True

    return fault


def _scale(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    member = of_host(host, pool)
    if member is None or member.has_exited or host.is_frozen:
        return False
    target = dice.randint(0, MOST_WORKERS)
    checks = world.checks_of(pool)
    if checks.ceiling is not None:
        checks.ceiling = max(checks.ceiling, target)
    member.ask("scale", str(target))
    return True


def _restart_one(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    """A worker of any host, or a whole agent's, asked for anywhere."""
    member, other = of_host(host, pool), dice.choice(world.hosts)
    if member is None or member.has_exited or host.is_frozen:
        return False
    workers = [worker.worker for worker in other.of(pool) if worker.counts]
    member.ask("restart", dice.choice([other.name, *workers]), parallel=dice.choice([None, "2"]))
    return True


def _drain_one(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
    member, other = of_host(host, pool), dice.choice(world.hosts)
    if member is None or member.has_exited or host.is_frozen:
        return False
    member.ask(dice.choice(["drain", "undrain"]), other.name)
    return True


def _end(world: World, host: Host, _: Pool, __: random.Random) -> bool:
    """Ctrl-C."""
    if host.agent is None or len(world.running()) < 2:
        return False
    for member in host.agent.members.values():
        member.drain()
    return True


def _update(*flaws: Flaw) -> Fault:
    def fault(world: World, host: Host, pool: Pool, dice: random.Random) -> bool:
        member = of_host(host, pool)
        if member is None or member.has_exited or host.is_frozen:
            return False
        command = ("worker", str(world.next_number()), dice.choice(flaws))
        member.ask("update", command=command, parallel=dice.choice([None, None, "2", "50%"]))
        return True

    return fault


LATER = ("a worker's session ends", "ZooKeeper killed while it writes", "stop")

FAULTS: Mapping[str, Fault] = {
    "a worker dies": _worker_dies,
    "half of its workers die": _half_die,
    "a worker hangs": _worker_hangs,
    "a worker is stuck": _worker_is_stuck,
    "what all workers need fails, or does not any more": _dependency_fails,
    "workers crash as soon as they start, or do not any more": _crash_loop,
    "starts fail, or do not any more": _spawns_fail,
    "cut off": _cut_off,
    "cut off from being heard": _unheard,
    "cut off from hearing": _deaf,
    "slow": _slow,
    "its open connections are slow": _old_connections_slow,
    "mended": _mended,
    "frozen": _freeze,
    "thawed": _thaw,
    "host lost": _crash,
    "agent killed": _kill,
    "agent left": _leave,
    "agent started": _start,
    "agent restarted at once": _restart,
    "agent restarted with an old ledger": _restart_with("old"),
    "agent restarted with a damaged ledger": _restart_with("damaged"),
    "agent restarted without its ledger": _restart_with("no"),
    "its disk fails, or does not any more": _disk_fails,
    "its wall clock jumps": _clock_jumps,
    "another host": _join,
    "session ended by somebody": _expire,
    "not heard of until its session ends": _expire_unheard,
    "ZooKeeper down": _outage,
    "ZooKeeper up": _return,
    "ZooKeeper restarted": _blink,
    "ZooKeeper up with an old journal": _old_journal,
    "ZooKeeper up without data": _wipe,
    "agent told to end": _end,
    "scale": _scale,
    "kill": _ask("kill"),
    "hold": _ask("hold"),
    "release": _ask("release"),
    "drain or undrain": _drain_one,
    "restart of all workers": _ask("restart"),
    "restart of some": _restart_one,
    "update": _update(Flaw.NONE),
    "update to a bad release": _update(Flaw.CRASHES, Flaw.HANGS, Flaw.CANNOT_START),
    "undo": _ask("undo"),
    "a worker's session ends": _worker_loses_session,
    "ZooKeeper killed while it writes": _crash_in_write,
    "stop": _ask("stop"),
}
#: What the seeds in `KNOWN` were found with.
FIRST_FAULTS = {name: fault for name, fault in FAULTS.items() if name not in LATER}

#: Of these nobody but the pool's own agents is to lose a worker with `keep`.
GENTLE = (
    "cut off",
    "cut off from being heard",
    "cut off from hearing",
    "slow",
    "its open connections are slow",
    "mended",
    "frozen",
    "thawed",
    "another host",
    "session ended by somebody",
    "not heard of until its session ends",
    "ZooKeeper down",
    "ZooKeeper up",
    "ZooKeeper restarted",
    "its disk fails, or does not any more",
    "its wall clock jumps",
    "agent restarted at once",
    "restart of all workers",
)

#: With these a worker that is ready is stopped only for another one that is.
ROLLOUTS = (
    "restart of all workers",
    "restart of some",
    "update",
    "update to a bad release",
    "undo",
    "slow",
    "cut off",
    "mended",
    "its wall clock jumps",
    "its disk fails, or does not any more",
    "ZooKeeper restarted",
)
