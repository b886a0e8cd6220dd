"""The ratios that must not get worse, each to the least supervisor in Python, in one and the same run.

A busy machine only ever makes a sample longer, so the least of each is compared, and more samples are taken as long as
the ratio is not good enough. What this catches is work or waiting that was added to the path, not a bad day. Hot heals
are not held: on a busy machine they come while the agent still tells of the one before.
"""

from __future__ import annotations

import pytest

from tests.bench.build import Programs, build
from tests.bench.measures import Measure, Plan, Sample, cycle, heal
from tests.bench.peers import Autohealer, Peer, PyFloor

RUNS = 5


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("programs"))


def least_ratios(programs: Programs, measure: Measure, count: int, bounds: dict[str, float]) -> dict[str, float]:
    """Those of our least samples to the floor's least that are too high; taken again so many times while some are."""
    plan = Plan([PyFloor, Autohealer], programs, trials=15, turns=2)
    samples: list[Sample] = []
    high: dict[str, float] = {}
    for _ in range(RUNS):
        samples += measure(plan, count)
        ratios = {name: least(samples, name, Autohealer) / least(samples, name, PyFloor) for name in bounds}
        high = {name: ratio for name, ratio in ratios.items() if ratio > bounds[name]}
        if not high:
            break
    return high


def least(samples: list[Sample], name: str, peer: type[Peer]) -> float:
    return min(one.value for one in samples if (one.measure, one.peer) == (name, peer.name) and one.value is not None)


def test_a_heal_takes_hardly_longer_than_the_least_python_takes(programs: Programs) -> None:
    assert not least_ratios(programs, heal, 10, {"heal rested": 2.2})


def test_a_storm_costs_hardly_more_than_in_the_least_python(programs: Programs) -> None:
    # Time would tell as much of what else the machine does: with more than cores there are to run, all wait in turns.
    assert not least_ratios(programs, cycle, 100, {"storm: processor time": 15.0})


def test_a_start_takes_no_more_than_ten_of_the_least_python(programs: Programs) -> None:
    """From typing to the first instruction of the last of ten: mostly what is imported."""
    assert not least_ratios(programs, cycle, 10, {"start": 10.0})
