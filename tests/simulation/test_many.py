"""Whole clusters in virtual time: whatever happens on the way, in the end all is as wanted. A failure has its seed."""

from __future__ import annotations

import random

import pytest

from autohealer.core.model import OnPartition
from tests.simulation.cluster import SESSION_S, Host, Simulation
from tests.simulation.zookeeper import TICK_S

SEEDS = 400
STEPS = 25


def calm(simulation: Simulation) -> None:
    """Everything is mended, and time flows until nothing moves."""
    if not simulation.zookeeper.up:
        come_back(simulation)
    for host in simulation.hosts:
        host.thaw()
        host.mend()
    for _ in range(2):
        if not simulation.running():
            simulation.hosts[0].start()
        for host in simulation.hosts:  # what a killed agent has left is nobody's to end
            if host.supervisor is None and host.processes:
                host.crash()
        simulation.run(120, lambda: simulation.problem() is None)
    assert simulation.problem() is None, simulation.problem()


def go_away(simulation: Simulation) -> None:
    """ZooKeeper is down."""
    simulation.zookeeper.up = False
    for host in simulation.hosts:
        host.lose_server()


def come_back(simulation: Simulation) -> None:
    """It is up again."""
    simulation.zookeeper.come_back()
    for host in simulation.hosts:
        host.find_server()


def one_thing(simulation: Simulation, dice: random.Random, target: int) -> str:  # noqa: C901, PLR0912 - a table
    """Something happens."""
    host: Host = dice.choice(simulation.hosts)
    what = dice.choice(
        ["worker", "worker", "part", "mend", "freeze", "thaw", "crash", "kill", "start", "join", "drain", "outage"]
    )
    match what:
        case "worker" if host.processes and host.supervisor is not None:
            host.end_worker(dice.choice(sorted(host.processes)))
        case "part":
            host.part()
        case "mend":
            host.mend()
        case "freeze":
            host.freeze()
        case "thaw":
            host.thaw()
        case "crash" if host.supervisor is not None:
            host.crash()
        case "kill" if host.supervisor is not None:
            host.kill_agent()
        case "start" if host.supervisor is None:
            host.start()
        case "join" if len(simulation.hosts) < 7:
            simulation.add(target)
        case "drain" if len(simulation.running()) > 1:
            host.drain()
        case "outage" if simulation.zookeeper.up:
            go_away(simulation)
        case "outage":
            come_back(simulation)
        case _:
            return f"no {what}"
    return f"{what} {host.name}"


@pytest.mark.parametrize("policy", [OnPartition.KEEP, OnPartition.STOP])
def test_it_comes_to_rest_whatever_happens(policy: OnPartition) -> None:
    """And on the way never two leaders in one epoch, and with ``stop`` never one worker too many."""
    for seed in range(SEEDS):
        dice = random.Random(seed)
        simulation = Simulation(seed, policy)
        target = dice.randint(1, 12)
        story = []
        try:
            for _ in range(dice.randint(1, 5)):
                simulation.add(target)
            calm(simulation)
            simulation.watch()
            for _ in range(STEPS):
                story.append(f"{simulation.now:.3f} {one_thing(simulation, dice, target)}")
                simulation.run(dice.choice([0.0, 0.01, 0.3, 1.0, 3.0, SESSION_S * 1.5]))
            calm(simulation)
            if policy is OnPartition.STOP:
                assert simulation.most <= target
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {policy}, target {target}: {error}; " + "; ".join(story)) from error


def test_never_fewer_while_agents_come_go_and_are_cut_off() -> None:
    """``keep``: as long as no host is lost, at no instant do fewer run than should."""
    for seed in range(SEEDS):
        dice = random.Random(seed)
        simulation = Simulation(seed)
        target = dice.randint(1, 12)
        for _ in range(3):
            simulation.add(target)
        calm(simulation)
        simulation.watch()
        for _ in range(STEPS):
            host = dice.choice(simulation.running())
            what = dice.choice(["part", "mend", "freeze", "thaw", "join", "drain", "outage", "return"])
            if what == "join" and len(simulation.hosts) < 8:
                simulation.add(target)
            elif what == "drain" and len(simulation.running()) > 1:
                calm(simulation)  # who is cut off cannot take over
                host.drain()
                simulation.run(60, lambda host=host: host.supervisor is None)  # type: ignore[misc]
            elif what in {"part", "mend", "freeze", "thaw"}:
                getattr(host, what)()
            elif what == "outage":
                go_away(simulation)
            elif what == "return" and not simulation.zookeeper.up:
                come_back(simulation)
            simulation.run(dice.choice([0.0, 0.3, 3.0, SESSION_S * 1.5]))
        calm(simulation)
        assert simulation.fewest >= target, f"seed {seed}: {simulation.fewest} of {target}"


@pytest.mark.parametrize("victims", [1, 10])
def test_hosts_are_lost(victims: int) -> None:
    """Of thirty, one, or ten together: all workers run again within session timeout + tick + 1 s."""
    for seed in range(5):
        simulation = Simulation(seed)
        for _ in range(30):
            simulation.add(300)
        calm(simulation)
        simulation.run(simulation.random.uniform(0, SESSION_S))
        for host in simulation.hosts[:victims]:
            host.crash()
        took = simulation.run(60, lambda all_=simulation: all_.living == 300)  # type: ignore[misc]
        assert took < SESSION_S + TICK_S + 1, f"seed {seed}: {took} s"
        calm(simulation)
