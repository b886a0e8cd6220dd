"""Registrations that are lost: whose fault that is."""

from __future__ import annotations

from math import inf

import pytest

from autohealer.core.actions import (
    MakeStandIn,
    RemoveRegistration,
    WithdrawStandIn,
)
from autohealer.core.cluster.registrations import Style
from tests.core.registrations_bench import AGENT, GRACE_S, Bench, identified, with_stand_ins

# ---- losses


def test_one_that_loses_its_registration_alone_is_faulty_once_the_grace_has_passed() -> None:
    bench = identified("abc")
    bench.lose("a")
    bench.wait(GRACE_S - 0.01)
    assert bench.faults == []
    bench.wait(0.01)

    assert bench.faults == [("a", "registration lost")]
    assert bench.take() == []


def test_one_that_registers_again_within_the_grace_is_not_faulty() -> None:
    bench = identified("abc")
    bench.lose("a")
    bench.wait(GRACE_S / 2)
    bench.see("a")
    bench.wait(100)

    assert bench.faults == []
    assert bench.all.identified == 3


def test_the_only_worker_of_a_pool_can_be_faulty() -> None:
    bench = identified("a")
    bench.lose("a")
    bench.wait(GRACE_S)

    assert bench.faults == [("a", "registration lost")]


@pytest.mark.parametrize(("workers", "lost", "faulty"), [("abcd", "ab", "ab"), ("abcd", "abc", ""), ("ab", "ab", "")])
def test_more_than_half_at_once_are_nobodys_fault(workers: str, lost: str, faulty: str) -> None:
    bench = identified(workers)
    bench.lose(lost)
    bench.wait(100)

    assert "".join(worker for worker, _ in bench.faults) == faulty
    assert bench.take() == [MakeStandIn(worker) for worker in lost if worker not in faulty]


def test_workers_that_never_registered_are_no_majority_that_kept_theirs() -> None:
    bench = Bench(workers="abcdef")
    bench.see("ab")
    bench.lose("ab")
    bench.wait(GRACE_S)

    assert bench.faults == []


def test_losses_within_one_grace_belong_together() -> None:
    bench = identified("abcd")
    for worker in "abc":
        bench.lose(worker)
        bench.wait(GRACE_S / 3)
    bench.wait(100)

    assert bench.faults == []


def test_a_loss_around_an_outage_is_nobodys_fault_and_the_stand_in_goes_when_its_own_returns() -> None:
    bench = identified("abcd")
    bench.all.unsettle(inf)
    bench.all.unsettle(bench.now + 8)
    bench.wait(5)
    bench.lose("a")
    bench.wait(GRACE_S)
    assert bench.faults == []
    assert bench.take() == [MakeStandIn("a")]
    bench.all.stood_in("a")
    assert bench.all.registered("a") is True
    bench.see("a")

    assert bench.take() == [WithdrawStandIn("a")]
    assert bench.all.registered("a") is True
    assert bench.all.identified == 4


def test_an_outage_that_is_long_past_excuses_nobody() -> None:
    bench = identified("abcd")
    bench.all.unsettle(bench.now + 8)
    bench.wait(9)
    bench.lose("a")
    bench.wait(GRACE_S)

    assert [worker for worker, _ in bench.faults] == ["a"]


def test_a_stand_in_out_of_amnesty_stays_however_long_the_own_one_takes() -> None:
    bench = identified("ab")
    bench.lose("ab")
    bench.wait(GRACE_S)
    bench.stand_in("ab")
    bench.wait(10_000)

    assert bench.faults == []
    assert bench.take() == []
    assert bench.all.identified == 2


def test_a_dead_worker_is_not_among_the_lost() -> None:
    bench = identified("abcd")
    bench.lose("abc")
    bench.all.ended("b", bench.now)
    bench.all.ended("c", bench.now)
    bench.wait(GRACE_S)

    assert [worker for worker, _ in bench.faults] == ["a"]


def test_a_loss_that_was_never_had_is_no_news() -> None:
    bench = Bench(workers="a")
    bench.lose("ax")
    bench.wait(GRACE_S)

    assert bench.faults == []
    assert bench.take() == [MakeStandIn("a")]


# ---- lives and sessions


def test_a_dead_workers_registrations_are_removed_and_nothing_more_follows() -> None:
    bench = with_stand_ins("a")
    bench.all.ended("a", bench.now)
    bench.all.ended("a", bench.now)
    bench.see("a")
    bench.lose("a")
    bench.all.stood_in("a")
    bench.wait(1000)

    assert bench.take() == [RemoveRegistration("a")]
    assert bench.all.identified == 0
    assert bench.all.registered("a") is False


def test_stand_ins_end_with_the_session_and_count_again_when_they_stand_again() -> None:
    bench = with_stand_ins("ab")
    bench.all.session_lost()
    assert bench.all.identified == 0
    bench.all.stood_in("a")

    assert bench.all.identified == 1
    assert bench.take() == []


def test_the_workers_own_registrations_outlive_the_agents_session() -> None:
    bench = identified("ab")
    bench.all.session_lost()

    assert bench.all.identified == 2


def test_agent_goes_by_stand_ins_even_where_a_worker_registers_itself() -> None:
    bench = Bench(AGENT, workers="ab")
    bench.see("a")

    assert bench.all.style is Style.UNKNOWN
    assert bench.take() == [WithdrawStandIn("a")]
