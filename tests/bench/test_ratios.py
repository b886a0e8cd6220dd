"""The ratios that must not get worse, each to the least supervisor in Python, in one and the same run.

A busy machine only ever makes a sample longer, so the least of each is compared, and more samples are taken as long as
the ratio is not good enough. What this catches is work that was added to the path, not a bad day.
"""

from __future__ import annotations

import pytest

from tests.bench.build import Programs, build
from tests.bench.measures import Measure, Plan, Sample, cycle, heal
from tests.bench.peers import Autohealer, PyFloor

RUNS = 6


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("programs"))


def least_ratio(programs: Programs, measure: Measure, name: str, count: int, enough: float) -> float:
    """Our least sample to the floor's least; taken again, up to so many times, until it is good enough."""
    plan = Plan([PyFloor, Autohealer], programs, trials=12, turns=1)
    samples: list[Sample] = []
    for _ in range(RUNS):
        samples += measure(plan, count)
        ours, floor = (least(samples, name, peer.name) for peer in (Autohealer, PyFloor))
        if ours / floor <= enough:
            break
    return ours / floor


def least(samples: list[Sample], name: str, peer: str) -> float:
    return min(one.value for one in samples if (one.measure, one.peer) == (name, peer) and one.value is not None)


def test_a_heal_takes_hardly_longer_than_the_least_python_takes(programs: Programs) -> None:
    assert least_ratio(programs, heal, "heal rested", 10, 2.0) <= 2.0


def test_a_storm_costs_hardly_more_than_in_the_least_python(programs: Programs) -> None:
    assert least_ratio(programs, cycle, "storm", 100, 2.5) <= 2.5
