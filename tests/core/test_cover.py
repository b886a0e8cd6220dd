"""How many surges a rollout has, and how many slots may be between two lives."""

from __future__ import annotations

import pytest

from autohealer.core.pool.cover import SurgeCover
from autohealer.core.pool.exchanges import Exchanges
from autohealer.core.pool.fleet import FleetLife
from autohealer.core.pool.soak import Soak
from tests.core.test_soak import ALife

OLD, NEW = 1, 2
START_TIMEOUT_S = 60.0


class FewLives:
    """A fleet whose lives are set by the test, and what was ordered of it."""

    def __init__(self, share: int, room: int) -> None:
        self.share: int | None = share
        self.of_slots: dict[int, FleetLife | None] = {
            number: ALife(worker=f"me-{number}-old", revision=OLD) for number in range(share)
        }
        self.of_surges: dict[int, FleetLife | None] = {}
        self.most = room
        self.ordered: list[str] = []

    def slots(self) -> dict[int, FleetLife | None]:
        return self.of_slots

    def surges(self) -> dict[int, FleetLife | None]:
        return dict(self.of_surges)

    def room(self) -> int:
        return self.most

    def reset_backoff(self) -> None:
        self.ordered.append("reset backoff")

    def exchange(self, slot: int) -> None:
        self.ordered.append(f"exchange {slot}")

    def start_surge(self) -> None:
        self.ordered.append("start")

    def end_surge(self, number: int) -> None:
        self.ordered.append(f"end {number}")

    def retry(self, number: int) -> None:
        self.ordered.append(f"retry {number}")


class Cover:
    """Four slots that are to be exchanged, two at a time."""

    def __init__(self, share: int = 4, room: int = 10, *, without_surges: bool = False) -> None:
        self.fleet, self.slots, self.soak = FewLives(share, room), Exchanges(), Soak(0.0, 0.0)
        self.cover = SurgeCover(
            self.fleet,
            self.slots,
            self.soak,
            parallel=2,
            start_timeout_s=START_TIMEOUT_S,
            without_surges=without_surges,
        )
        self.look(200.0)

    def look(self, now: float) -> None:
        self.soak.begin(now)
        self.slots.look(self.fleet.slots(), None)
        self.cover.look(now)

    def surge(self, number: int, *, ready: bool = True) -> None:
        self.fleet.of_surges[number] = ALife(worker=f"me-{number}-new", ready_since=101.0 if ready else None)

    def tend(self, *, is_proven: bool = True) -> list[str]:
        self.fleet.ordered.clear()
        self.cover.tend(NEW, is_proven=is_proven)
        return self.fleet.ordered


def test_the_first_surge_is_alone_until_it_has_been_proven() -> None:
    few = Cover()
    assert few.tend(is_proven=False) == ["start"]
    few.surge(4)
    assert few.tend(is_proven=False) == []
    assert few.cover.may_be_between(is_proven=False) == 0

    assert few.tend() == ["start"]
    assert few.cover.may_be_between(is_proven=True) == 1
    few.surge(5)
    assert few.tend() == []
    assert few.cover.may_be_between(is_proven=True) == 2


def test_a_surge_stands_until_no_slot_needs_it_any_more() -> None:
    few = Cover()
    few.surge(4)
    few.surge(5)
    for number in range(4):
        few.slots.begin(number, f"me-{number}-old")
    few.fleet.of_slots |= {number: ALife(worker=f"me-{number}-new") for number in range(3)}
    for number in range(3):
        few.slots.settle(number)
    few.look(201.0)

    assert few.cover.between == 1
    assert few.tend() == []
    few.fleet.of_slots[3] = ALife(worker="me-3-new")
    few.slots.settle(3)
    assert few.tend() == ["end 4", "end 5"]


def test_one_of_another_revision_ends_and_one_that_died_is_started_again() -> None:
    few = Cover()
    few.fleet.of_surges[4] = ALife(revision=OLD, ready_since=None)
    few.fleet.of_surges[5] = None

    assert few.tend() == ["end 4", "retry 5"]


@pytest.mark.parametrize("few", [Cover(room=0), Cover(without_surges=True)])
def test_where_there_can_be_none_one_slot_at_a_time_is_without_a_life(few: Cover) -> None:
    assert few.tend(is_proven=False) == []
    assert few.cover.may_be_between(is_proven=False) == 1
    few.slots.begin(0, "me-0-old")

    assert few.cover.may_be_between(is_proven=False) == 0, "the first one has to be proven"
    assert few.cover.may_be_between(is_proven=True) == 1


def test_once_there_can_be_none_any_more_those_that_are_not_ready_end() -> None:
    few = Cover()
    few.surge(4)
    few.surge(5, ready=False)
    few.cover.without_surges = True

    assert few.tend() == ["end 5"]


def test_a_change_of_share_ends_the_surges_until_it_is_ready_or_should_be() -> None:
    few = Cover()
    few.surge(4)
    few.fleet.share = 5
    few.fleet.of_slots[5] = ALife(ready_since=None)
    few.look(300.0)

    assert few.cover.is_regrouping
    assert few.soak.next == 300.0 + START_TIMEOUT_S
    assert few.tend() == ["end 4"]
    assert few.cover.may_be_between(is_proven=True) == 0
    few.fleet.of_surges.clear()
    few.look(301.0)
    assert few.cover.is_regrouping
    few.look(300.0 + START_TIMEOUT_S)
    assert not few.cover.is_regrouping

    few.fleet.share = 4
    few.fleet.of_slots.pop(5)
    few.look(400.0)
    assert not few.cover.is_regrouping, "all that is wanted is ready"
