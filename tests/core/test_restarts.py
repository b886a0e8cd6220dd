"""How soon a slot may start again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.pool.restarts import BURST, FIRST_DELAY_S, JITTER, Restarts, delay_s

LIVES = st.lists(st.floats(0, 100), max_size=50)
SEEDS = st.text(max_size=20)
DELAY_MAX_S = 30.0


def account(stable_after_s: float = 10.0) -> Restarts:
    return Restarts(stable_after_s, DELAY_MAX_S)


@given(LIVES, st.floats(10, 1e6), st.floats(0.01, 10))
def test_a_worker_that_lives_stable_after_is_never_throttled(past: list[float], alive: float, stable: float) -> None:
    slot = account(stable)
    for life in past:
        slot.after_exit(life, "past")

    assert slot.after_exit(alive, "now") == 0.0
    assert slot.failures == 0


def test_six_restarts_come_at_once_and_the_seventh_waits() -> None:
    slot = account()

    delays = [slot.after_exit(0.0, "w") for _ in range(BURST + 1)]

    assert delays[:-1] == [0.0] * 6
    assert FIRST_DELAY_S <= delays[-1] <= FIRST_DELAY_S * 1.2


@given(st.text(max_size=5))
def test_an_instant_crash_loop_costs_at_most_twelve_starts_in_ten_seconds(name: str) -> None:
    slot, now, starts = account(), 0.0, 0
    while now < 10:
        starts += 1
        now += slot.after_exit(0.0, f"{name}-{starts}")

    assert starts <= 12


@given(st.integers(0, 10_000), st.floats(0.2, 1000), SEEDS)
def test_a_delay_doubles_up_to_its_bound_and_jitter_adds_at_most_a_fifth(step: int, most: float, seed: str) -> None:
    plain = min(most, FIRST_DELAY_S * 2.0 ** min(step, 60))

    assert plain <= delay_s(step, most, seed) <= plain * (1 + JITTER)
    assert delay_s(step, most, seed) <= most * 1.2


def test_jitter_spreads_the_slots() -> None:
    delays = [delay_s(3, DELAY_MAX_S, f"worker {number}") for number in range(100)]

    assert len(set(delays)) > 90
    assert max(delays) - min(delays) > 0.1 * min(delays)


@given(st.lists(st.tuples(st.floats(0, 100), SEEDS), max_size=50))
def test_the_same_history_gives_the_same_delays(history: list[tuple[float, str]]) -> None:
    one, other = account(), account()

    assert [one.after_exit(*life) for life in history] == [other.after_exit(*life) for life in history]


@given(LIVES)
def test_what_is_earned_is_spent_once(lives: list[float]) -> None:
    slot = account()

    at_once = sum(slot.after_exit(life, "w") == 0.0 for life in lives)

    assert at_once <= BURST + sum(lives) / 10


@given(LIVES)
def test_no_more_than_the_burst_is_ever_saved(lives: list[float]) -> None:
    slot = account()
    for life in lives:
        slot.after_exit(life, "w")
    for _ in range(BURST):
        slot.after_exit(0.0, "w")

    assert slot.after_exit(0.0, "w") > 0.0


def test_a_stable_life_makes_the_backoff_short_again() -> None:
    slot = account()
    long = [slot.after_exit(0.0, "w") for _ in range(20)][-1]
    slot.after_exit(10.0, "w")

    assert long > 1.0 > slot.after_exit(0.0, "w") > 0.0


@given(st.lists(st.booleans(), max_size=20))
def test_failures_count_the_lives_in_a_row_that_ended_too_soon(stable: list[bool]) -> None:
    slot, in_a_row = account(), 0
    for long in stable:
        slot.after_exit(10.0 if long else 9.9, "w")
        in_a_row = 0 if long else in_a_row + 1

    assert slot.failures == in_a_row


def test_what_is_killed_from_outside_is_back_at_once_twelve_times_in_a_row() -> None:
    restarts = Restarts(stable_after_s=10.0, delay_max_s=30.0)
    delays = [restarts.after_exit(0.001, "w", "SIGKILL") for _ in range(13)]

    assert delays[:12] == [0.0] * 12
    assert delays[12] > 0


def test_a_signal_that_a_program_gives_itself_costs_as_much_as_an_exit_code() -> None:
    restarts = Restarts(stable_after_s=10.0, delay_max_s=30.0)
    delays = [restarts.after_exit(0.0, "w", "SIGSEGV") for _ in range(7)]

    assert delays[:6] == [0.0] * 6
    assert delays[6] > 0


def test_workers_that_recycle_themselves_are_never_throttled_and_never_fail() -> None:
    slot = account()
    delays = [slot.after_exit(1.5, "w", good=True) for _ in range(100)]

    assert (delays, slot.failures) == ([0.0] * 100, 0)


def test_a_loop_of_good_ends_at_once_backs_off_like_any_other() -> None:
    good, bad = account(), account()

    assert [good.after_exit(0.9, "w", good=True) for _ in range(20)] == [bad.after_exit(0.9, "w") for _ in range(20)]
    assert good.failures == bad.failures == 20


def test_a_good_end_after_a_second_begins_anew() -> None:
    restarts = Restarts(stable_after_s=10.0, delay_max_s=60.0, tokens=0.0, throttled=3, failures=4)
    assert restarts.after_exit(0.9, "s", good=True) > 0
    assert (restarts.failures, restarts.throttled) == (5, 4)
    assert restarts.after_exit(1.0, "s", good=True) == 0
    assert (restarts.failures, restarts.throttled) == (0, 0)


def test_each_start_that_has_to_wait_is_one_step_of_the_backoff() -> None:
    restarts = Restarts(stable_after_s=10.0, delay_max_s=60.0, tokens=0.0)
    delays = [restarts.after_exit(0.0, "s") for _ in range(4)]

    assert delays == [delay_s(step, 60.0, "s") for step in range(4)]
    assert delays[1] == pytest.approx(2 * delays[0])


def test_a_worker_that_outgrew_a_limit_earns_by_its_life_and_pays_a_token() -> None:
    restarts = Restarts(stable_after_s=10.0, delay_max_s=60.0, tokens=0.0)
    assert restarts.after_outgrowing(9.9, "s") > 0
    restarts = Restarts(stable_after_s=10.0, delay_max_s=60.0, tokens=0.0)
    assert restarts.after_outgrowing(10.0, "s") == 0
    assert (restarts.tokens, restarts.failures) == (0.0, 0)
    restarts = Restarts(stable_after_s=10.0, delay_max_s=60.0, tokens=1.5)
    assert restarts.after_outgrowing(0.0, "s") == 0
    assert restarts.tokens == 0.5
