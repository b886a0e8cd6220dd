"""Registrations that are lost, and those that name nobody: whose fault, and whose workers."""

from __future__ import annotations

from math import inf

import pytest

from autohealer.core.actions import (
    InspectConnections,
    MakeStandIn,
    RemoveRegistration,
    WatchRegistration,
    WithdrawStandIn,
)
from autohealer.core.cluster.registrations import DEPARTED_S, LOOK_AGAIN_S, Style
from tests.core.registrations_bench import AGENT, GRACE_S, SELF, START_TIMEOUT_S, Bench, identified, with_stand_ins

# ---- anonymous


def test_an_anonymous_registration_is_ours_if_one_of_our_workers_holds_a_connection() -> None:
    bench = with_stand_ins("ab")
    bench.all.anonymous_seen(bench.now)
    assert bench.take() == [InspectConnections(("a", "b"))]
    assert bench.all.inspecting
    bench.all.connections_seen(frozenset("a"), bench.now)

    assert not bench.all.inspecting
    assert bench.all.style is Style.ANONYMOUS
    assert bench.take() == [WithdrawStandIn("a"), WithdrawStandIn("b")]
    assert (bench.all.identified, bench.all.unregistered) == (0, 2)


def test_an_anonymous_registration_is_foreign_if_no_worker_holds_a_connection() -> None:
    bench = with_stand_ins("ab")
    bench.all.anonymous_seen(bench.now)
    bench.take()
    bench.all.connections_seen(frozenset(), bench.now)

    assert bench.all.style is Style.UNKNOWN
    assert bench.take() == []
    assert not bench.all.inspecting
    assert bench.all.unregistered == 0


def test_one_that_comes_up_during_an_inspection_is_looked_at_after_it() -> None:
    bench = Bench(workers="a")
    bench.all.anonymous_seen(bench.now)
    bench.all.anonymous_seen(bench.now)
    assert len(bench.take()) == 1
    bench.all.connections_seen(frozenset(), bench.now)

    assert bench.take() == [InspectConnections(("a",))]
    bench.all.connections_seen(frozenset(), bench.now)
    assert bench.take() == []
    assert not bench.all.inspecting


def test_workers_older_than_the_start_timeout_are_not_suspected() -> None:
    bench = Bench(workers="a")
    bench.wait(START_TIMEOUT_S + 1)
    bench.orders.clear()
    bench.all.anonymous_seen(bench.now)
    assert bench.take() == []

    bench.all.started("b", bench.now)
    bench.take()
    bench.all.anonymous_seen(bench.now)
    assert bench.take() == [InspectConnections(("b",))]


def test_workers_that_could_not_register_for_an_outage_are_suspected_after_it() -> None:
    bench = Bench(workers="a")
    bench.all.unsettle(inf)
    bench.wait(START_TIMEOUT_S * 2)
    bench.all.unsettle(bench.now + 8)
    bench.wait(START_TIMEOUT_S)
    bench.orders.clear()
    bench.all.anonymous_seen(bench.now)

    assert bench.take() == [InspectConnections(("a",))]


def test_an_anonymous_pool_gets_no_stand_ins_and_nobody_is_faulty() -> None:
    bench = Bench(style=Style.ANONYMOUS)
    bench.all.started("a", bench.now)
    bench.wait(1000)

    assert bench.take() == [WatchRegistration("a")]
    assert bench.faults == []
    assert bench.all.registered("a") is None


def test_a_dead_anonymous_worker_is_departed_until_some_registration_vanishes() -> None:
    bench = Bench(style=Style.ANONYMOUS, workers="abc")
    bench.all.ended("a", bench.now)
    bench.all.ended("b", bench.now)
    assert (bench.all.unregistered, bench.all.departed(bench.now)) == (1, 2)
    bench.all.anonymous_vanished(1)
    assert bench.all.departed(bench.now) == 1
    bench.all.anonymous_vanished(5)

    assert bench.all.departed(bench.now) == 0


def test_a_departed_credit_lasts_a_minute_and_its_end_is_a_deadline() -> None:
    bench = Bench(style=Style.ANONYMOUS, workers="a")
    bench.wait(100)
    bench.all.ended("a", bench.now)
    assert bench.all.next_deadline() == bench.now + DEPARTED_S
    bench.now += DEPARTED_S - 0.01
    assert bench.all.departed(bench.now) == 1
    bench.now += 0.01

    assert bench.all.departed(bench.now) == 0
    assert bench.all.next_deadline() is None


def test_an_identified_worker_leaves_no_credit() -> None:
    bench = identified("a")
    bench.all.ended("a", bench.now)

    assert bench.all.departed(bench.now) == 0
    assert bench.take() == [RemoveRegistration("a")]


def test_self_counts_workers_as_possibly_anonymous_until_the_pool_has_shown_how_it_registers() -> None:
    bench = Bench(SELF, workers="abc")
    assert bench.all.unregistered == 3
    bench.see("a")

    assert bench.all.unregistered == 0


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


def test_where_another_agent_leads_workers_are_looked_at_as_long_as_they_are_young() -> None:
    """That anonymous registrations are about is told; when one of ours comes up is not."""
    bench = Bench(workers="ab")
    bench.all.anonymous_elsewhere(True, bench.now)
    assert bench.take() == [InspectConnections(("a", "b"))]
    bench.all.anonymous_elsewhere(True, bench.now)
    assert bench.take() == []

    bench.all.connections_seen(frozenset(), bench.now)
    bench.wait(LOOK_AGAIN_S)
    assert bench.take() == [InspectConnections(("a", "b"))]
    bench.all.connections_seen(frozenset("b"), bench.now)
    assert bench.all.style is Style.ANONYMOUS
    assert bench.all.unregistered == 2
    bench.wait(LOOK_AGAIN_S * 10)
    assert [order for order in bench.take() if isinstance(order, InspectConnections)] == []


def test_old_workers_are_not_looked_at_for_what_is_elsewhere_until_one_is_started() -> None:
    """Or until what was elsewhere is gone."""
    bench = Bench(workers="a")
    bench.all.anonymous_elsewhere(True, bench.now)
    bench.wait(START_TIMEOUT_S + 1)
    bench.all.connections_seen(frozenset(), bench.now)
    bench.take()
    bench.wait(LOOK_AGAIN_S * 10)
    assert bench.take() == []

    bench.all.started("b", bench.now)
    bench.wait(LOOK_AGAIN_S)
    assert InspectConnections(("b",)) in bench.take()
    bench.all.connections_seen(frozenset(), bench.now)
    bench.all.anonymous_elsewhere(False, bench.now)
    bench.wait(LOOK_AGAIN_S)
    assert [order for order in bench.take() if isinstance(order, InspectConnections)] == []


def test_agent_goes_by_stand_ins_even_where_a_worker_registers_itself() -> None:
    bench = Bench(AGENT, workers="ab")
    bench.see("a")

    assert bench.all.style is Style.UNKNOWN
    assert bench.take() == [WithdrawStandIn("a")]
