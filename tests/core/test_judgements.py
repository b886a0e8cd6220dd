"""What it means that something is listed."""

from __future__ import annotations

import pytest

from autohealer.core.cluster.judgements import (
    SECOND_LOOK_S,
    NameHolder,
    StrayJudgement,
    holder_of_name,
    is_calm,
    judge_stray,
)
from autohealer.core.model import AgentEntry

AGENTS = {"a": AgentEntry("h", 1, "1", running=3), "b": AgentEntry("h", 2, "1", running=2), "c": None}


@pytest.mark.parametrize(
    ("owners", "count", "calm"),
    [
        ({"a", "b"}, 5, True),
        ({"a"}, 6, True),  # of one that has died its registration is still there
        ({"a", "b"}, 4, False),  # somebody is missing
        ({"a", "gone"}, 5, False),  # what a lost agent has left
        (set(), 0, False),
    ],
)
def test_calm_is_what_the_agents_that_live_explain(owners: set[str], count: int, calm: bool) -> None:
    assert is_calm(owners, count, AGENTS) is calm


def test_nothing_is_calm_where_nobody_says_anything() -> None:
    assert not is_calm(frozenset(), 0, {})
    assert not is_calm(frozenset(), 3, {"a": None})


@pytest.mark.parametrize(
    ("owner", "is_foreign", "holder"),
    [
        (None, False, NameHolder.NOBODY),
        (None, True, NameHolder.NOBODY),
        (7, False, NameHolder.OWN),
        (7, True, NameHolder.TWIN),
        (6, True, NameHolder.FORMER),
        (5, False, NameHolder.OTHER),
        (0, False, NameHolder.OTHER),  # a persistent node: the name cannot be had
    ],
)
def test_whose_a_name_is(owner: int | None, is_foreign: bool, holder: NameHolder) -> None:
    assert holder_of_name(owner, session=7, former=6, is_foreign=is_foreign) is holder


def test_without_a_former_life_nobody_is_it() -> None:
    assert holder_of_name(6, session=7, former=None, is_foreign=False) is NameHolder.OTHER


@pytest.mark.parametrize(
    ("worker", "is_stand_in", "age", "verdict"),
    [
        ("a-b-0-x", False, 0.0, StrayJudgement.LOOK_AGAIN),
        ("a-b-0-x", False, SECOND_LOOK_S - 0.01, StrayJudgement.LOOK_AGAIN),
        ("a-b-0-x", False, SECOND_LOOK_S, StrayJudgement.CONDEMNED),
        ("a-b-0-x", True, 0.0, StrayJudgement.CONDEMNED),
        ("a-0-x", True, 99.0, StrayJudgement.NOT_OURS),
        ("worker_0000000001", False, 99.0, StrayJudgement.NOT_OURS),
        ("", False, 99.0, StrayJudgement.NOT_OURS),
    ],
)
def test_which_stray_is_condemned(worker: str, is_stand_in: bool, age: float, verdict: StrayJudgement) -> None:
    assert judge_stray(worker, "a-b", is_stand_in=is_stand_in, since=1000.0, now=1000.0 + age) is verdict
