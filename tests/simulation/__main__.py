"""Whole clusters in virtual time, from seeds.

python -m tests.simulation --seed 7 --policy stop      one seed again, exactly
python -m tests.simulation --seed 7 --shrink           less of it, if it fails
python -m tests.simulation --seed 7 --pace long        weeks, with some bursts of faults
python -m tests.simulation --soak 3600                 new seeds, for so many seconds
python -m tests.simulation --scale 1000 100000         so many agents and workers that lose hosts, and what it costs
python -m tests.simulation --plan 10000 1000000        the time and size of one plan for so many agents and workers
"""

from __future__ import annotations

import argparse
import itertools
import secrets
import sys
import time

from autohealer.coordination.pool.codec import write_plan
from autohealer.core.cluster.plan import divide
from autohealer.core.model import OnPartition, Plan, RegistrationMode
from tests.simulation.pools import Pool
from tests.simulation.scenario import STEPS, Pace, Scenario
from tests.simulation.shrink import shrink
from tests.simulation.world import SESSION_S, World

TELL_EVERY_S = 100.0


def main() -> int:
    """What the command line asks for; 1 where a seed failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--policy", type=OnPartition, choices=list(OnPartition), default=OnPartition.KEEP)
    parser.add_argument(
        "--registration", type=RegistrationMode, choices=list(RegistrationMode), default=RegistrationMode.AGENT
    )
    parser.add_argument("--digest", action="store_true", help="all that happened, in one number")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--pace", choices=[pace.name.lower() for pace in Pace], default="dense")
    parser.add_argument("--only", help="the steps that are left, by their numbers: 3,17")
    parser.add_argument("--shrink", action="store_true", help="leave out what is not needed for the failure")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    parser.add_argument("--scale", type=int, nargs=2, metavar=("AGENTS", "WORKERS"))
    parser.add_argument("--parallel", default="1", help="so many workers of an agent at once in the restart of all")
    parser.add_argument("--plan", type=int, nargs=2, metavar=("AGENTS", "WORKERS"))
    asked = parser.parse_args()
    if asked.soak is not None:
        return soak(asked.soak)
    if asked.scale is not None:
        agents, workers = asked.scale
        scale(agents, workers, asked.parallel)
        return 0
    if asked.plan is not None:
        plan(*asked.plan)
        return 0
    scenario = Scenario(
        asked.seed if asked.seed is not None else secrets.randbelow(1 << 32),
        asked.policy,
        registration=asked.registration,
        steps=asked.steps,
        pace=Pace[asked.pace.upper()],
        only=frozenset(map(int, asked.only.split(","))) if asked.only else None,
    )
    if asked.digest:
        world = scenario.run()
        say(f"{world.clock.now} {world.server.frames} {world.server.digest}")
        return 0
    if asked.shrink:
        scenario = shrink(scenario)
    return 0 if one(scenario) else 1


def one(scenario: Scenario) -> bool:
    """One seed, with its story."""
    try:
        world = scenario.run()
    except AssertionError as error:
        say(str(error))
        return False
    say("\n".join(world.story))
    say(f"held for {world.hours:.2f} hours")
    return True


def soak(seconds: float) -> int:
    """New seeds until the time is over; the failing ones are printed, each with how to see it again."""
    ends = time.monotonic() + seconds
    hours, failed, count, faults, decisions, begun = 0.0, 0, 0, 0, 0, time.process_time()
    while time.monotonic() < ends:
        seed = secrets.randbelow(1 << 32)
        for policy, pace in itertools.product(OnPartition, Pace):
            scenario = Scenario(seed, policy, pace=pace)
            count += 1
            try:
                scenario.run()
            except AssertionError as error:
                failed += 1
                say(str(error))
            hours += scenario.world.hours
            faults += len(scenario.happened)
            decisions += scenario.world.decisions
    used_s = time.process_time() - begun
    say(
        f"{count} lives of clusters, {hours:,.0f} hours with {faults:,} faults and {decisions:,} decisions,"
        f" {failed} failed;"
        f" {used_s:.0f} s of CPU time, {hours / used_s:.2f} hours in each"
    )
    return 1 if failed else 0


def scale(agents: int, workers: int, parallel: str) -> None:
    """A big cluster that loses one host, then a hundredth and a tenth of them, and restarts all: times and requests."""
    world = World(0, [Pool("default", workers)])
    world.pings_are_short = True
    begun = time.process_time()

    def phase(name: str, within_s: float = 600) -> None:
        frames, since, told_at = world.server.frames, world.clock.now, world.clock.now

        def is_over() -> bool:
            nonlocal told_at
            if world.clock.now > told_at + TELL_EVERY_S:
                told_at = world.clock.now
                new = sum(process.revision > 1 for host in world.hosts for process in host.processes.values())
                asked = world.server.frames - frames
                used_s = time.process_time() - begun
                say(f"  {told_at - since:5.0f} s, {asked:,} requests, {new} new, {used_s:.0f} s of CPU")
            return not restarts() and world.problem() is None

        took = world.run(within_s, is_over)
        asked = world.server.frames - frames
        say(
            f"{name:24} at rest after {took:6.2f} s; {asked:9,} requests, {asked / max(took, 1):9,.0f} a second;"
            f" {time.process_time() - begun:.0f} s of CPU"
        )
        assert world.problem() is None, world.problem()

    def restarts() -> bool:
        return any(member.asked for member in world.members(world.pools[0])[:1])

    say(f"{agents} agents, {workers} workers, sessions of {SESSION_S:g} s")
    for _ in range(agents):
        world.add()
    phase("all start at once")
    lost = 0
    for count in {1, agents // 100, agents // 10} - {0}:
        for host in world.hosts[lost : lost + count]:
            host.crash()
        lost += count
        phase(f"{count} hosts lost")
    for host in world.hosts[:lost]:
        host.start()
    phase(f"{lost} hosts back")
    for member in world.members(world.pools[0])[:1]:
        member.ask("restart", parallel=parallel)
    phase(f"a restart of all, {parallel} at once", within_s=60.0 * agents + workers)
    say(f"simulated in {time.process_time() - begun:.0f} s of CPU time")


def plan(agents: int, workers: int) -> None:
    """One plan: its time where a tenth of the agents has just gone, and its size as it is written."""
    names = [f"host{number:05d}-{number:06x}" for number in range(agents)]
    former = divide(workers, dict.fromkeys(names), {})
    begun = time.monotonic()
    shares = divide(workers, dict.fromkeys(names[agents // 10 :]), former)
    took_s = time.monotonic() - begun
    moved = sum(max(0, count - former[name]) for name, count in shares.items())
    written = write_plan(Plan(epoch=1 << 40, leader=names[-1], target=workers, shares=shares))
    size = f"{len(written) / 1024:.0f} KiB"
    say(f"{workers} workers, {len(shares)} of {agents} agents are left: {took_s:.3f} s, {moved} move, {size}")


def say(text: str) -> None:
    """For whoever has asked."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
