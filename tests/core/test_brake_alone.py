"""The brake by itself: what is held, and since when there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.model import Sense
from autohealer.core.pool.brake import ALL, Brake, held_after

SENSES = st.frozensets(st.sampled_from([ALL, *Sense]), max_size=3)


def in_force(held: frozenset[str]) -> set[Sense]:
    """The senses whose verdicts are held."""
    return {sense for sense in Sense if sense in held or ALL in held}


@given(SENSES, SENSES)
def test_what_is_let_go_makes_room_from_then_on_and_nothing_else_does(
    before: frozenset[str], after: frozenset[str]
) -> None:
    brake = Brake(1)
    brake.hold(before, 1.0)
    since = brake.room_since

    freed = brake.hold(after, 2.0)

    if in_force(before) != set(Sense):
        assert freed is bool(in_force(before) - in_force(after))
    assert freed is (ALL not in after and not before <= after)
    assert brake.room_since == (2.0 if freed else since)
    assert brake.held == after
    assert {sense for sense in Sense if brake.is_held(sense)} == in_force(after)


@given(SENSES, st.sampled_from(["", ALL, *Sense]))
def test_holding_adds_and_releasing_takes_away(held: frozenset[str], sense: str) -> None:
    more, less = held_after(held, sense, release=False), held_after(held, sense, release=True)

    asked = set(Sense) if sense in {"", ALL} else {Sense(sense)}
    assert in_force(more) == in_force(held) | asked
    assert in_force(less) == in_force(held) - asked
    assert ALL in more or ALL not in held


@given(st.floats(0.01, 1) | st.integers(1, 9), st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_a_share_that_grows_the_limit_makes_room_from_then_on(max_faulty: float, shares: list[int]) -> None:
    brake, limit = Brake(max_faulty), Brake(max_faulty).limit
    since = brake.room_since
    for now, share in enumerate(shares, 1):
        grew = brake.set_share(share, float(now))
        assert grew is (brake.limit > limit)
        limit, since = brake.limit, float(now) if grew else since
        assert brake.room_since == since


def test_a_slot_that_is_given_back_makes_room_from_then_on() -> None:
    brake = Brake(1)
    brake.take(3)
    assert (brake.has_room(3), brake.has_room(4)) == (True, False)
    assert not brake.give_back(4, 1.0)
    assert brake.room_since < 1.0
    assert brake.give_back(3, 2.0)
    assert (brake.replacing, brake.room_since, brake.has_room(4)) == (frozenset(), 2.0, True)
