"""The ratios that must not get worse, each to the least supervisor in Python, in one and the same run.

The bounds leave room for a busy machine: what they catch is work that was added to the path, not a bad day. A ratio of
a few samples is noisy even so; the best of three runs counts, for noise only ever makes the ratio worse.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bench.build import Programs, build
from tests.bench.measures import Measure, Plan, cycle, heal
from tests.bench.peers import Autohealer, PyFloor
from tests.bench.results import figures, ratio

RUNS = 3


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def best_ratio(programs: Programs) -> Callable[[Measure, str, int, float], float]:
    def best(measure: Measure, name: str, count: int, enough: float) -> float:
        plan = Plan([PyFloor, Autohealer], programs, trials=15, turns=1)
        ratios: list[float] = []
        for _ in range(RUNS):
            ratios.append(ratio(figures(measure(plan, count)), name, count))
            if ratios[-1] <= enough:
                break
        return min(ratios)

    return best


BestRatio = Callable[[Measure, str, int, float], float]


def test_a_heal_takes_hardly_longer_than_the_least_python_takes(best_ratio: BestRatio) -> None:
    assert best_ratio(heal, "heal rested", 10, 2.0) <= 2.0


def test_a_storm_costs_hardly_more_than_in_the_least_python(best_ratio: BestRatio) -> None:
    assert best_ratio(cycle, "storm", 100, 2.5) <= 2.5
