"""When a life counts as ready in a rollout, and when it is trusted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from autohealer.core.pool.soak import Soak


@dataclass
class ALife:
    since: float = 100.0
    ready_since: float | None = 101.0
    first_ready: float | None = 101.0
    worker: str = "me-0-n1"
    revision: int = 2
    is_stopping: bool = False


def soak(now: float, soak_s: float = 5.0, alive_s: float = 0.0) -> Soak:
    begun = Soak(soak_s, alive_s)
    begun.begin(now)
    return begun


@pytest.mark.parametrize("life", [None, ALife(ready_since=None), ALife(is_stopping=True)])
def test_who_is_not_ready_or_about_to_end_has_no_moment(life: ALife | None) -> None:
    begun = soak(200.0)

    assert begun.ready_at(life) is None
    assert not begun.is_ready(life)
    assert begun.next is None, "time alone changes nothing"


def test_a_life_must_be_old_enough_and_that_is_waited_for() -> None:
    begun = soak(101.5, alive_s=2.0)
    assert not begun.is_ready(ALife())
    assert begun.next == 102.0
    assert not begun.was_ready(ALife(), 101.5)

    begun.begin(102.0)
    assert begun.ready_at(ALife()) == 102.0
    assert begun.next is None
    assert begun.was_ready(ALife(ready_since=None), 102.0)
    assert not begun.was_ready(ALife(first_ready=None), 102.0)


def test_it_is_trusted_once_it_has_been_ready_for_the_soak() -> None:
    assert not soak(105.9).is_over(ALife(), 105.9)
    assert soak(106.0).is_over(ALife(), 106.0)
    assert not soak(106.0).is_over(ALife(ready_since=None), 106.0)


def test_the_first_of_all_moments_is_the_next_one() -> None:
    begun = soak(100.0)
    for at in (109.0, 103.0, 105.0):
        begun.wake(at)

    assert begun.next == 103.0
