"""Whole clusters in virtual time: the real core and the real coordination, on the real server's engine.

Whatever happens on the way, in the end all is as wanted. A failure tells its story, and how to see it again.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from autohealer.core.model import OnPartition, RegistrationMode
from tests.simulation.host import SESSION_S
from tests.simulation.scenario import FAULTS, GENTLE, Scenario
from tests.simulation.world import World

SEEDS = 40
TICK_S = 0.2

#: Seeds that have failed once, and what was wrong then.
KNOWN = {
    (14, OnPartition.STOP, 25): "an agent without its ledger proved its authority by a session that nobody waits for",
    (18, OnPartition.STOP, 25): "a moment that was due was not, for the rounding of a sum",
    (4_075_272_691, OnPartition.KEEP, 40): "one led on, though an older journal had brought back who came before it",
}


@pytest.mark.parametrize("policy", OnPartition)
@pytest.mark.parametrize("registration", [RegistrationMode.AGENT, RegistrationMode.AUTO])
@pytest.mark.parametrize("part", range(2))
def test_it_comes_to_rest_whatever_happens(policy: OnPartition, registration: RegistrationMode, part: int) -> None:
    """And on the way: never two lives in a slot, no plan but the first candidate's, with `stop` never one too many."""
    for seed in range(part * SEEDS // 2, (part + 1) * SEEDS // 2):
        Scenario(seed, policy, registration=registration).run()


@pytest.mark.parametrize(("seed", "policy", "steps"), KNOWN)
def test_what_failed_once(seed: int, policy: OnPartition, steps: int) -> None:
    """Each of these has found a fault."""
    Scenario(seed, policy, steps=steps).run()


def test_never_fewer_while_agents_come_and_are_cut_off_and_workers_are_restarted() -> None:
    """`keep`: as long as no host is lost, at no instant do fewer run than should."""
    for seed in range(SEEDS):
        scenario = Scenario(seed, OnPartition.KEEP, faults={name: FAULTS[name] for name in GENTLE})
        world = scenario.run()
        assert world.checks.fewest >= scenario.target, f"{scenario}: {world.checks.fewest} of {scenario.target}"


@pytest.mark.parametrize("victims", [1, 10])
def test_hosts_are_lost(victims: int) -> None:
    """Of thirty, one, or ten together: all workers run again within session timeout + tick + 1 s."""
    for seed in range(5):
        world = World(seed)
        for _ in range(30):
            world.add(300)
        world.calm()
        world.run(world.dice.uniform(0, SESSION_S))
        for host in world.hosts[:victims]:
            host.crash()
        took = world.run(60, lambda world=world: world.living == 300)  # type: ignore[misc]  # of such a lambda mypy knows no type
        assert took < SESSION_S + TICK_S + 1, f"seed {seed}: {took} s"
        world.calm()


def test_a_server_that_forgot_what_clients_have_seen() -> None:
    """It turns them away without a word; they find that out by a client without a past, and all is as before."""
    world = World(1)
    for _ in range(3):
        world.add(6)
    world.calm()
    world.checks.watch()
    world.go_away()
    world.server.begin_low()
    world.run(SESSION_S * 3)
    world.calm()

    assert world.checks.fewest == 6


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
