"""Registrations that name nobody: whose they are, and what dead workers leave of them."""

from __future__ import annotations

from math import inf

from autohealer.core.actions import (
    InspectConnections,
    RemoveRegistration,
    WatchRegistration,
    WithdrawStandIn,
)
from autohealer.core.cluster.anonymous import DEPARTED_S, INSPECT_AGAIN_S
from autohealer.core.cluster.registrations import Style
from tests.core.registrations_bench import SELF, START_TIMEOUT_S, Bench, identified, with_stand_ins


def test_an_anonymous_registration_is_ours_if_one_of_our_workers_holds_a_connection() -> None:
    bench = with_stand_ins("ab")
    bench.all.anonymous.seen(bench.now)
    assert bench.take() == [InspectConnections(("a", "b"))]
    assert bench.all.anonymous.is_inspecting
    bench.all.connections_seen(frozenset("a"), bench.now)

    assert not bench.all.anonymous.is_inspecting
    assert bench.all.style is Style.ANONYMOUS
    assert bench.take() == [WithdrawStandIn("a"), WithdrawStandIn("b")]
    assert (bench.all.identified, bench.all.unregistered) == (0, 2)


def test_an_anonymous_registration_is_foreign_if_no_worker_holds_a_connection() -> None:
    bench = with_stand_ins("ab")
    bench.all.anonymous.seen(bench.now)
    bench.take()
    bench.all.connections_seen(frozenset(), bench.now)

    assert bench.all.style is Style.UNKNOWN
    assert bench.take() == []
    assert not bench.all.anonymous.is_inspecting
    assert bench.all.unregistered == 0


def test_one_that_comes_up_during_an_inspection_is_looked_at_after_it() -> None:
    bench = Bench(workers="a")
    bench.all.anonymous.seen(bench.now)
    bench.all.anonymous.seen(bench.now)
    assert len(bench.take()) == 1
    bench.all.connections_seen(frozenset(), bench.now)

    assert bench.take() == [InspectConnections(("a",))]
    bench.all.connections_seen(frozenset(), bench.now)
    assert bench.take() == []
    assert not bench.all.anonymous.is_inspecting


def test_workers_older_than_the_start_timeout_are_not_suspected() -> None:
    bench = Bench(workers="a")
    bench.wait(START_TIMEOUT_S + 1)
    bench.orders.clear()
    bench.all.anonymous.seen(bench.now)
    assert bench.take() == []

    bench.all.started("b", bench.now)
    bench.take()
    bench.all.anonymous.seen(bench.now)
    assert bench.take() == [InspectConnections(("b",))]


def test_workers_that_could_not_register_for_an_outage_are_suspected_after_it() -> None:
    bench = Bench(workers="a")
    bench.all.unsettle(inf)
    bench.wait(START_TIMEOUT_S * 2)
    bench.all.unsettle(bench.now + 8)
    bench.wait(START_TIMEOUT_S)
    bench.orders.clear()
    bench.all.anonymous.seen(bench.now)

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
    assert (bench.all.unregistered, bench.all.anonymous.departed(bench.now)) == (1, 2)
    bench.all.anonymous.vanished(1)
    assert bench.all.anonymous.departed(bench.now) == 1
    bench.all.anonymous.vanished(5)

    assert bench.all.anonymous.departed(bench.now) == 0


def test_a_departed_credit_lasts_a_minute_and_its_end_is_a_deadline() -> None:
    bench = Bench(style=Style.ANONYMOUS, workers="a")
    bench.wait(100)
    bench.all.ended("a", bench.now)
    assert bench.all.next_deadline() == bench.now + DEPARTED_S
    bench.now += DEPARTED_S - 0.01
    assert bench.all.anonymous.departed(bench.now) == 1
    bench.now += 0.01

    assert bench.all.anonymous.departed(bench.now) == 0
    assert bench.all.next_deadline() is None


def test_an_identified_worker_leaves_no_credit() -> None:
    bench = identified("a")
    bench.all.ended("a", bench.now)

    assert bench.all.anonymous.departed(bench.now) == 0
    assert bench.take() == [RemoveRegistration("a")]


def test_where_another_agent_leads_workers_are_looked_at_as_long_as_they_are_young() -> None:
    """That anonymous registrations are about is told; when one of ours comes up is not."""
    bench = Bench(workers="ab")
    bench.all.anonymous.seen_elsewhere(True, bench.now)
    assert bench.take() == [InspectConnections(("a", "b"))]
    bench.all.anonymous.seen_elsewhere(True, bench.now)
    assert bench.take() == []

    bench.all.connections_seen(frozenset(), bench.now)
    bench.wait(INSPECT_AGAIN_S)
    assert bench.take() == [InspectConnections(("a", "b"))]
    bench.all.connections_seen(frozenset("b"), bench.now)
    assert bench.all.style is Style.ANONYMOUS
    assert bench.all.unregistered == 2
    bench.wait(INSPECT_AGAIN_S * 10)
    assert [order for order in bench.take() if isinstance(order, InspectConnections)] == []


def test_old_workers_are_not_looked_at_for_what_is_elsewhere_until_one_is_started() -> None:
    """Or until what was elsewhere is gone."""
    bench = Bench(workers="a")
    bench.all.anonymous.seen_elsewhere(True, bench.now)
    bench.wait(START_TIMEOUT_S + 1)
    bench.all.connections_seen(frozenset(), bench.now)
    bench.take()
    bench.wait(INSPECT_AGAIN_S * 10)
    assert bench.take() == []

    bench.all.started("b", bench.now)
    bench.wait(INSPECT_AGAIN_S)
    assert InspectConnections(("b",)) in bench.take()
    bench.all.connections_seen(frozenset(), bench.now)
    bench.all.anonymous.seen_elsewhere(False, bench.now)
    bench.wait(INSPECT_AGAIN_S)
    assert [order for order in bench.take() if isinstance(order, InspectConnections)] == []


def test_self_counts_workers_as_possibly_anonymous_until_the_pool_has_shown_how_it_registers() -> None:
    bench = Bench(SELF, workers="abc")
    assert bench.all.unregistered == 3
    bench.see("a")

    assert bench.all.unregistered == 0
