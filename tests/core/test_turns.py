"""Whose turn it is, and when a request has been answered by all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.cluster.turns import answered, turn
from autohealer.core.model import RevisionEntry


def entry(old: int = 0, outcome: str | None = None) -> RevisionEntry:
    return RevisionEntry(1, "hash", old, outcome)


@pytest.mark.parametrize(
    ("standing", "entries", "whose"),
    [
        (None, {}, None),
        (None, {"a": entry(), "b": entry(2), "c": entry(1)}, "b"),
        ("c", {"a": entry(), "b": entry(2), "c": entry(1)}, "c"),
        ("c", {"a": entry(), "b": entry(2), "c": entry(0, "done r")}, "b"),
        ("gone", {"b": entry(2)}, "b"),
        ("a", {"a": entry(0, "undone r"), "b": entry(2)}, None),
        ("a", {"a": entry(0, "done r"), "b": entry(2)}, "b"),
        ("a", {"a": entry(0, "undone of-a-alone"), "b": entry(2)}, "b"),
    ],
)
def test_the_turn_stays_until_nothing_is_left_and_nobody_begins_what_was_undone(
    standing: str | None, entries: dict[str, RevisionEntry], whose: str | None
) -> None:
    assert turn(standing, entries, {"r"}) == whose


@pytest.mark.parametrize(
    ("outcomes", "agents", "is_answered"),
    [
        (["done r", "done r"], 2, True),
        (["done r", None], 2, False),
        (["done r", "done r"], 3, False),
        (["undone r", None], 3, True),
        (["done r", "done q"], 2, False),
        ([], 0, False),
    ],
)
def test_a_request_is_answered_when_all_have_an_outcome_or_one_has_undone_it(
    outcomes: list[str | None], agents: int, is_answered: bool
) -> None:
    entries = {f"a{number}": entry(0, outcome) for number, outcome in enumerate(outcomes)}

    assert answered({"r"}, entries, agents) == ({"r"} if is_answered else set())


@given(st.dictionaries(st.sampled_from("abcd"), st.builds(entry, st.integers(0, 2))), st.sampled_from([None, *"abcd"]))
def test_who_has_the_turn_has_something_left_and_another_leader_gives_it_to_the_same(
    entries: dict[str, RevisionEntry], standing: str | None
) -> None:
    whose = turn(standing, entries)

    assert whose is None or entries[whose].old > 0
    assert turn(whose, entries) == whose
