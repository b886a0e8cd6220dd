"""Whole clusters in virtual time: the real core and the real coordination, on the real server's engine.

Whatever happens on the way, in the end all is as wanted. A failure tells its story, and how to see it again.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from autohealer.core.model import OnPartition, RegistrationMode
from tests.simulation.faults import FAULTS, FIRST_FAULTS, GENTLE, ROLLOUTS
from tests.simulation.member import of_host
from tests.simulation.pools import Pool, Senses
from tests.simulation.scenario import Pace, Scenario
from tests.simulation.shrink import shrink
from tests.simulation.world import SESSION_S, World

SEEDS = 30
TICK_S = 0.2
ROLLED_OUT_S = 300.0
"""So soon all releases are rolled out that were asked for, where no agent is lost."""

#: Seeds that have failed once, and what was wrong then.
KNOWN = {
    (10, OnPartition.STOP, 25): "a rollout that began before anything might run was done at once, unproven",
    (58, OnPartition.KEEP, 25): "what one agent had undone kept all others from rolling out, for ever",
    (138, OnPartition.KEEP, 25): "a spare made room for the next verdict before its own probes had passed",
    (377, OnPartition.KEEP, 25): "a ledger was lost, and a release got the number of workers that lived",
}


@pytest.mark.parametrize("policy", OnPartition)
@pytest.mark.parametrize("registration", [RegistrationMode.AGENT, RegistrationMode.AUTO])
@pytest.mark.parametrize("part", range(2))
def test_it_comes_to_rest_whatever_happens(policy: OnPartition, registration: RegistrationMode, part: int) -> None:
    """And on the way all holds that ``checks`` looks at."""
    for seed in range(part * SEEDS // 2, (part + 1) * SEEDS // 2):
        Scenario(seed, policy, registration=registration).run()


def test_a_life_is_quiet_for_hours_between_faults() -> None:
    """What comes due in time alone: backoffs, looks at everything, expired requests, pings."""
    assert sum(Scenario(seed, OnPartition.KEEP, steps=8, pace=Pace.QUIET).run().hours for seed in range(6)) > 10


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_a_life_lasts_for_days_with_bursts_of_faults(seed: int) -> None:
    """As in production; some hundred hours in all."""
    assert Scenario(seed, OnPartition.KEEP, pace=Pace.LONG).run().hours > 10


@pytest.mark.parametrize(("seed", "policy", "steps"), KNOWN)
def test_what_failed_once(seed: int, policy: OnPartition, steps: int) -> None:
    """Each of these has found a fault."""
    Scenario(seed, policy, steps=steps, faults=FIRST_FAULTS).run()


def test_never_fewer_while_agents_come_and_are_cut_off_and_workers_are_restarted() -> None:
    """`keep`: as long as no host is lost, at no instant do fewer run than should."""
    for seed in range(SEEDS):
        scenario = gentle(seed)
        scenario.run()
        assert_never_fewer(scenario)


def test_never_fewer_are_ready_while_releases_are_rolled_out() -> None:
    """Good and bad ones, one after the other and into each other; and no agent waits for another that waits for it."""
    for seed in range(SEEDS):
        scenario = rolling_out(seed)
        scenario.run()
        assert_never_fewer_ready(scenario)
        assert_soon_at_rest(scenario)


def gentle(seed: int) -> Scenario:
    """Nothing in it may cost a worker."""
    return Scenario(seed, OnPartition.KEEP, faults={name: FAULTS[name] for name in GENTLE})


def assert_never_fewer(scenario: Scenario) -> None:
    for checks, pool in zip(scenario.world.checks, scenario.pools, strict=True):
        assert checks.fewest >= pool.target, f"{scenario}: {checks.fewest} of {pool.target} in {pool.name}"


def rolling_out(seed: int) -> Scenario:
    """Rollouts, and nothing else that may cost a worker."""
    scenario = Scenario(seed, OnPartition.KEEP, faults={name: FAULTS[name] for name in ROLLOUTS})
    scenario.world.watches_readiness = True
    return scenario


def assert_never_fewer_ready(scenario: Scenario) -> None:
    for checks, pool in zip(scenario.world.checks, scenario.pools, strict=True):
        fewest = checks.fewest_serving
        assert fewest >= pool.target, f"{scenario}: {fewest} of {pool.target} ready in {pool.name}"


def assert_soon_at_rest(scenario: Scenario) -> None:
    assert scenario.rest_s < ROLLED_OUT_S, f"{scenario}: rolled out after {scenario.rest_s:.0f} s"


@pytest.mark.parametrize("victims", [1, 10])
def test_hosts_are_lost(victims: int) -> None:
    """Of thirty, one, or ten together: all workers run again within session timeout + tick + 1 s."""
    for seed in range(5):
        world = World(seed, [Pool("default", 300)])
        for _ in range(30):
            world.add()
        world.calm()
        world.run(world.dice.uniform(0, SESSION_S))
        for host in world.hosts[:victims]:
            host.crash()
        took = world.run(60, lambda world=world: world.living == 300)  # type: ignore[misc]  # of such a lambda mypy knows no type
        assert took < SESSION_S + TICK_S + 1, f"seed {seed}: {took} s"
        world.calm()


def test_a_dependency_that_fails_costs_the_brakes_part_and_all_is_well_when_it_is_back() -> None:
    pool = Pool("default", 12, senses=Senses.PROBE, spares=1)
    world = World(1, [pool])
    world.add()
    world.calm()
    first = {worker for host in world.hosts for worker in host.processes}
    pool.dependency_is_down = True
    world.run(1800)
    left = first & {worker for host in world.hosts for worker in host.processes}
    world.calm()

    assert len(left) >= 9


def test_a_rollout_takes_as_long_as_it_takes() -> None:
    """A request may be begun within an hour; what was begun goes on, and goes with its outcome."""
    pool = Pool("default", 6)
    world = World(1, [pool])
    for _ in range(3):
        world.add()
    world.calm()
    before = {worker for host in world.hosts for worker in host.processes}
    member = world.members(pool)[0]
    member.ask("restart", soak=2400.0)
    world.run(4 * 3600, lambda: not member.asked and not any(each.rolls for each in world.members(pool)))
    world.calm()

    assert not member.asked
    assert not before & {worker for host in world.hosts for worker in host.processes}


def test_an_agent_that_is_killed_in_its_turn_goes_on_with_it_whenever_that_is() -> None:
    """The request has expired by then, and was begun in time."""
    pool = Pool("default", 6)
    world = World(1, [pool])
    for _ in range(3):
        world.add()
    world.calm()
    before = {worker for host in world.hosts for worker in host.processes}
    member = world.members(pool)[0]
    member.ask("restart", soak=4000.0)
    world.run(3700)
    turn = world.data(pool.paths.plan)["turn"]  # type: ignore[index]  # a plan stands
    (host,) = [host for host in world.hosts if host.name == turn]
    host.kill_agent()
    host.start()
    world.run(10 * 3600, lambda: not any(each.rolls for each in world.members(pool)))
    world.calm()

    assert not before & {worker for host in world.hosts for worker in host.processes}


@pytest.mark.parametrize("offset_s", [-7200.0, 7200.0])
def test_no_wall_clock_of_ours_says_how_old_a_request_is(offset_s: float) -> None:
    """One agent's is wrong by hours: it takes part in what is asked of all, by it and by others."""
    pool = Pool("default", 6)
    world = World(1, [pool])
    for _ in range(3):
        world.add()
    world.hosts[1].wall_offset_s = offset_s
    world.calm()
    for host in world.hosts[:2]:
        before = {worker for each in world.hosts for worker in each.processes}
        member = of_host(host, pool)
        assert member is not None
        member.ask("restart")
        world.run(120)
        world.calm()

        assert not before & {worker for each in world.hosts for worker in each.processes}


def test_a_server_that_forgot_what_clients_have_seen() -> None:
    """It turns them away without a word; they find that out by a client without a past, and all is as before."""
    pool = Pool("default", 6)
    world = World(1, [pool])
    for _ in range(3):
        world.add()
    world.calm()
    checks = world.checks_of(pool)
    checks.watch()
    world.go_away()
    world.server.begin_low()
    world.run(SESSION_S * 3)
    world.calm()

    assert checks.fewest == 6


def test_a_seed_is_the_same_every_time() -> None:
    """To the last request, whatever order the interpreter gives to its sets."""
    said = {
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "5", "--steps", "60", "--digest"],
            env={"PYTHONHASHSEED": str(number)},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for number in (1, 2, 3)
    }

    assert len(said) == 1


def test_a_failure_is_made_smaller() -> None:
    """What is left fails as well, and every step of it is needed."""

    def sabotage(*_: object) -> bool:
        raise AssertionError("sabotage")

    faults = {**FAULTS, "sabotage": sabotage}
    scenario = Scenario(1, OnPartition.KEEP, faults=faults, steps=200)
    with pytest.raises(AssertionError, match="sabotage"):
        scenario.run()

    assert len(shrink(scenario).only or ()) == 1
