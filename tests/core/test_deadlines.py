"""Many moments in, the next one out: compared with a plain dict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.deadlines import Deadlines

KEYS = st.integers(0, 5)
MOMENTS = st.integers(0, 20)
CHANGES = st.lists(
    st.tuples(st.just("set"), KEYS, st.none() | MOMENTS) | st.tuples(st.just("due"), st.just(0), MOMENTS),
    max_size=200,
)


@given(CHANGES)
def test_it_is_a_dict_of_moments_with_a_minimum(changes: list[tuple[str, int, int | None]]) -> None:
    deadlines: Deadlines[int] = Deadlines()
    model: dict[int, int] = {}
    for what, key, at in changes:
        if what == "set":
            deadlines.set(key, at)
            model.pop(key, None)
            if at is not None:
                model[key] = at
        elif at is not None:
            due = list(deadlines.due(at))
            assert sorted(due) == sorted(key for key, moment in model.items() if moment <= at)
            moments = [model.pop(key) for key in due]
            assert moments == sorted(moments)
        assert deadlines.next() == min(model.values(), default=None)


def test_what_is_due_comes_in_the_order_of_time_then_of_setting() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for key, at in [("late", 3), ("first", 1), ("second", 1), ("early", 0), ("future", 9)]:
        deadlines.set(key, at)

    assert list(deadlines.due(3)) == ["early", "first", "second", "late"]
    assert deadlines.next() == 9


def test_a_key_may_be_set_again_while_it_is_due() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("a", 1)
    for key in deadlines.due(5):
        deadlines.set(key, 6)

    assert deadlines.next() == 6


def test_the_heap_does_not_grow_with_the_number_of_changes() -> None:
    deadlines: Deadlines[int] = Deadlines()
    for change in range(100_000):
        deadlines.set(change % 10, change)

    assert len(deadlines._heap) < 200
