"""Shares of a target over agents."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import inf
from random import Random
from time import perf_counter

from hypothesis import example, given
from hypothesis import strategies as st

from autohealer.core.cluster.plan import divide, replace_first, stop_first

AGENTS = st.text("abcdefgh", min_size=1, max_size=2)
CAPACITIES = st.dictionaries(AGENTS, st.none() | st.integers(0, 12), max_size=8)
FORMER = st.dictionaries(AGENTS, st.integers(0, 12), max_size=8)
TOTALS = st.integers(-3, 60)
FEW_CAPACITIES = st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers(0, 4), max_size=4)
FEW_FORMER = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 6), max_size=5)


def moves(former: Mapping[str, int], shares: Mapping[str, int]) -> int:
    """How many workers have to stop."""
    return sum(max(0, former.get(agent, 0) - share) for agent, share in shares.items())


def spread(shares: Mapping[str, int], capacities: Mapping[str, int | None]) -> int:
    """By how much the largest share exceeds the smallest of those that could take one more."""
    could_grow = [share for agent, share in shares.items() if (bound := capacities[agent]) is None or share < bound]
    return max(shares.values()) - min(could_grow) if could_grow else 0


@given(TOTALS, CAPACITIES, FORMER)
@example(7, {"a": None, "b": None, "c": 1}, {})
def test_shares_add_up_to_the_target_or_to_all_that_fits(
    total: int, capacities: dict[str, int | None], former: dict[str, int]
) -> None:
    room = sum(inf if bound is None else bound for bound in capacities.values())

    shares = divide(total, capacities, former)

    assert sum(shares.values()) == min(max(0, total), room)
    assert set(shares) == set(capacities)


@given(TOTALS, CAPACITIES, FORMER)
def test_no_share_is_above_its_capacity_or_below_nothing(
    total: int, capacities: dict[str, int | None], former: dict[str, int]
) -> None:
    shares = divide(total, capacities, former)

    assert all(0 <= share <= (inf if (bound := capacities[a]) is None else bound) for a, share in shares.items())


@given(TOTALS, CAPACITIES, FORMER)
def test_shares_are_balanced_within_one_where_capacity_allows(
    total: int, capacities: dict[str, int | None], former: dict[str, int]
) -> None:
    assert spread(divide(total, capacities, former), capacities) <= 1


@given(st.integers(0, 8), FEW_CAPACITIES, FEW_FORMER)
@example(1, {"a": None, "b": None}, {"b": 1})
def test_no_balanced_division_stops_fewer_workers(
    total: int, capacities: dict[str, int | None], former: dict[str, int]
) -> None:
    shares = divide(total, capacities, former)
    ranges = [range(min(total, total if bound is None else bound) + 1) for bound in capacities.values()]
    others = (dict(zip(capacities, counts, strict=True)) for counts in itertools.product(*ranges))
    fair = [o for o in others if sum(o.values()) == sum(shares.values()) and spread(o, capacities) <= 1]

    assert moves(former, shares) == min(moves(former, other) for other in fair)


@given(TOTALS, CAPACITIES, FORMER, st.randoms(use_true_random=False))
def test_the_order_in_which_agents_are_named_decides_nothing(
    total: int, capacities: dict[str, int | None], former: dict[str, int], random: Random
) -> None:
    shuffled = list(capacities.items())
    random.shuffle(shuffled)

    assert divide(total, capacities, former) == divide(total, dict(shuffled), former)


@given(TOTALS, CAPACITIES, FORMER)
def test_a_division_that_stands_is_divided_the_same_way(
    total: int, capacities: dict[str, int | None], former: dict[str, int]
) -> None:
    shares = divide(total, capacities, former)

    assert divide(total, capacities, shares) == shares


def test_a_lost_agents_workers_move_and_no_others() -> None:
    before = divide(10, dict.fromkeys("abc"), {})

    after = divide(10, dict.fromkeys("ab"), before)

    assert moves(before, after) == 0
    assert after == {"a": 5, "b": 5}


def test_ten_thousand_agents_are_divided_in_less_than_a_second() -> None:
    capacities: dict[str, int | None] = {f"agent{n}": None if n % 3 else n % 50 for n in range(10_000)}
    former = {agent: n % 40 for n, agent in enumerate(capacities)}

    began = perf_counter()
    divide(123_457, capacities, former)

    assert perf_counter() - began < 1.0


# ---- on the way

# Of the same agents, named in any order: so most have something to give or to take.
COUNTS = st.permutations("abcd").flatmap(
    lambda agents: st.fixed_dictionaries({agent: st.integers(0, 6) for agent in agents})
)
ENDS: st.SearchStrategy[dict[str, int]] = COUNTS | st.just({})
RUNNING = COUNTS


def of_all(final: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of those that have an end; one that is not named has none."""
    return {agent: counts.get(agent, 0) for agent in final}


@given(ENDS, RUNNING, st.randoms(use_true_random=False))
def test_where_replacements_come_first_no_fewer_run_on_the_way_than_before_or_at_the_end(
    final: dict[str, int], former: dict[str, int], random: Random
) -> None:
    running = of_all(final, former)
    least = min(sum(running.values()), sum(final.values()))
    for _ in range(60):
        shares = replace_first(final, running)
        assert all(final[agent] <= shares[agent] <= max(final[agent], running[agent]) for agent in final)
        agent = random.choice(sorted(final) or [""])
        if agent:
            running[agent] += (shares[agent] > running[agent]) - (shares[agent] < running[agent])
        assert sum(running.values()) >= least
    for _ in range(30):
        running = replace_first(final, running)

    assert running == final


@given(ENDS, RUNNING, RUNNING, st.integers(0, 5))
def test_where_stops_come_first_no_more_run_on_the_way_than_before_or_are_wanted(
    final: dict[str, int], standing: dict[str, int], former: dict[str, int], spare: int
) -> None:
    total, standing, running = sum(final.values()) + spare, of_all(final, standing), of_all(final, former)
    most = max(total, sum(max(standing[agent], running[agent]) for agent in final))
    for _ in range(30):
        standing = stop_first(total, final, standing, running)
        assert all(standing[agent] <= final[agent] for agent in final)
        assert sum(max(standing[agent], running[agent]) for agent in final) <= most
        running = {agent: standing[agent] for agent in final}

    assert running == final


@given(ENDS, RUNNING)
def test_where_replacements_come_first_just_so_many_are_kept_as_are_not_there_yet(
    final: dict[str, int], former: dict[str, int]
) -> None:
    running = of_all(final, former)
    lacking = sum(max(0, final[agent] - running[agent]) for agent in final)
    surplus = {agent: max(0, running[agent] - final[agent]) for agent in final}

    kept = {agent: share - final[agent] for agent, share in replace_first(final, running).items()}

    assert sum(kept.values()) == min(lacking, sum(surplus.values()))
    places = sorted(final)
    # One after the other, by name: so each leader comes to the same.
    assert all(kept[a] == surplus[a] or sum(kept[b] for b in places[n + 1 :]) == 0 for n, a in enumerate(places))


def test_who_says_nothing_runs_nothing() -> None:
    assert replace_first({"a": 0, "b": 1}, {"b": 0}) == {"a": 0, "b": 1}
    assert replace_first({"a": 0, "b": 1}, {"a": 1}) == {"a": 1, "b": 1}
    assert stop_first(2, {"a": 1, "b": 1}, {}, {}) == {"a": 1, "b": 1}
    assert stop_first(1, {"a": 0, "b": 1}, {}, {"b": 0}) == {"a": 0, "b": 1}


@given(ENDS, RUNNING, RUNNING, st.integers(0, 5))
def test_where_stops_come_first_all_room_is_used_at_once(
    final: dict[str, int], standing: dict[str, int], former: dict[str, int], spare: int
) -> None:
    total, standing, running = sum(final.values()) + spare, of_all(final, standing), of_all(final, former)
    before = {agent: max(min(standing[agent], final[agent]), running[agent]) for agent in final}
    room = max(0, total - sum(before.values()))
    wanted = {agent: max(0, final[agent] - before[agent]) for agent in final}

    shares = stop_first(total, final, standing, running)

    grown = {agent: max(0, shares[agent] - before[agent]) for agent in final}
    assert sum(grown.values()) == min(room, sum(wanted.values()))
    assert all(shares[agent] >= min(final[agent], running[agent]) for agent in final)
    places = sorted(final)
    assert all(grown[a] == wanted[a] or sum(grown[b] for b in places[n + 1 :]) == 0 for n, a in enumerate(places))


@given(ENDS, RUNNING)
def test_where_stops_come_first_nobody_grows_while_somebody_may_follow_an_older_plan(
    final: dict[str, int], standing: dict[str, int]
) -> None:
    shares = stop_first(sum(final.values()), final, standing, None)

    assert shares == {agent: min(final[agent], standing.get(agent, 0)) for agent in final}
