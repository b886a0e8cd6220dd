"""The schedule of faults: a pure function of the seed, with the chances that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flaky_worker.faults import AT_START, FINAL, Blow, Fault, draw_life

MANY = 4000

weights_of_faults = st.dictionaries(st.sampled_from(Fault), st.floats(0.01, 100))
seeds = st.text(max_size=8)


def draw(weights: Mapping[Fault, float], seed: str, slot: str = "0", mean: float = 10.0) -> tuple[float, list[Blow]]:
    life = draw_life(weights, seed=seed, slot=slot, mean_life_s=mean, mean_start_delay_s=mean)
    return life.start_delay_s, list(islice(life.blows, 20))


@given(weights_of_faults, seeds, seeds)
def test_the_same_seed_and_slot_give_the_same_life(weights: Mapping[Fault, float], seed: str, slot: str) -> None:
    """A life can be replayed."""
    assert draw(weights, seed, slot) == draw(weights, seed, slot)


@given(weights_of_faults.filter(lambda weights: set(weights) - AT_START), seeds)
def test_workers_with_one_seed_differ_by_their_slot(weights: Mapping[Fault, float], seed: str) -> None:
    """Ten workers with one seed do not all die at once."""
    lives = [draw(weights, seed, str(slot)) for slot in range(10)]

    assert len({blows[0].after_s for _, blows in lives}) == 10


@given(weights_of_faults, seeds)
def test_a_life_holds_only_what_was_chosen_and_can_still_happen(weights: Mapping[Fault, float], seed: str) -> None:
    """Nothing follows a final fault; but for a hang, that one can be resumed from, no fault comes twice."""
    start_delay_s, blows = draw(weights, seed)
    faults = [blow.fault for blow in blows]

    assert set(faults) <= set(weights) - AT_START
    assert not FINAL & set(faults[:-1])
    assert all(times == 1 for fault, times in Counter(faults).items() if fault is not Fault.HANG)
    assert start_delay_s == 0 or Fault.SLOW_START in weights
    assert all(blow.after_s >= 0 for blow in blows)


@given(weights_of_faults, seeds)
def test_a_life_ends_only_by_a_final_fault_or_for_want_of_faults(weights: Mapping[Fault, float], seed: str) -> None:
    """A worker whose faults can kill it does not go on for ever unharmed."""
    _, blows = draw(weights, seed)
    faults = [blow.fault for blow in blows]

    assert len(blows) == 20 or set(weights) - AT_START <= set(faults) or faults[-1] in FINAL


@pytest.mark.parametrize("mean", [0.5, 10.0])
def test_the_mean_life_is_the_one_asked_for(mean: float) -> None:
    """Over thousands of workers: within five standard errors of the mean of an exponential."""
    lives = [draw({Fault.EXCEPTION: 1}, "seed", str(slot), mean)[1][0].after_s for slot in range(MANY)]

    assert fmean(lives) == pytest.approx(mean, rel=5 / MANY**0.5)
    assert sum(life > mean for life in lives) / MANY == pytest.approx(0.368, abs=0.04)


def test_faults_come_in_the_proportion_of_their_weights() -> None:
    """Three to one is three to one."""
    first = Counter(draw({Fault.EXIT: 3, Fault.HANG: 1}, "seed", str(slot))[1][0].fault for slot in range(MANY))

    assert first[Fault.EXIT] / MANY == pytest.approx(0.75, abs=0.035)


def test_slow_starts_come_in_the_proportion_of_their_weight_too() -> None:
    """A start is slow in one of two lives, and then as slow as was asked for."""
    delays = [draw({Fault.SLOW_START: 1, Fault.EXIT: 1}, "seed", str(slot), 5.0)[0] for slot in range(MANY)]
    slow = [delay for delay in delays if delay > 0]

    assert len(slow) / MANY == pytest.approx(0.5, abs=0.04)
    assert fmean(slow) == pytest.approx(5.0, rel=5 / len(slow) ** 0.5)


def test_some_never_become_ready_in_the_proportion_of_their_weight() -> None:
    """Which is apart from being slow."""
    weights = {Fault.NEVER_READY: 1.0, Fault.SLOW_START: 1.0, Fault.EXIT: 2.0}
    lives = [
        draw_life(weights, seed="seed", slot=str(slot), mean_life_s=10.0, mean_start_delay_s=10.0)
        for slot in range(MANY)
    ]
    never = [life for life in lives if not life.becomes_ready]

    assert len(never) / MANY == pytest.approx(0.25, abs=0.035)
    assert all(life.start_delay_s == 0 for life in never)
