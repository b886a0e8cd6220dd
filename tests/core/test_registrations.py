"""Who makes the registration of a worker: itself, the agent, or whoever is first."""

from __future__ import annotations

from math import inf

from autohealer.core.actions import (
    MakeStandIn,
    RemoveRegistration,
    WatchRegistration,
    WithdrawStandIn,
)
from autohealer.core.cluster.registrations import LOOK_AGAIN_S, Style
from tests.core.registrations_bench import AGENT, GRACE_S, SELF, START_TIMEOUT_S, Bench, identified, with_stand_ins

# ---- agent


def test_agent_stands_in_for_every_worker_at_once() -> None:
    bench = Bench(AGENT)
    bench.all.started("a", bench.now)

    assert bench.take() == [MakeStandIn("a")]


def test_agent_takes_a_worker_for_ready_at_once_and_for_registered_with_its_stand_in() -> None:
    bench = Bench(AGENT)
    bench.all.started("a", bench.now)
    assert bench.ready == [("a", False)]
    assert bench.all.registered("a") is False
    bench.all.stood_in("a")

    assert bench.ready == [("a", False), ("a", True)]
    assert bench.all.registered("a") is True
    assert bench.all.identified == 1


def test_agent_does_not_care_for_registrations_that_name_nobody() -> None:
    bench = Bench(AGENT, workers="a")
    bench.all.anonymous.seen(bench.now)

    assert bench.take() == []


# ---- self


def test_self_watches_and_never_stands_in_by_itself() -> None:
    bench = Bench(SELF)
    bench.all.started("a", bench.now)
    bench.wait(START_TIMEOUT_S - 1)

    assert bench.take() == [WatchRegistration("a")]
    assert bench.faults == []


def test_self_takes_a_worker_for_ready_when_it_has_registered() -> None:
    bench = Bench(SELF, workers="a")
    assert bench.ready == []
    bench.see("a")

    assert bench.ready == [("a", True)]


def test_self_finds_a_worker_faulty_that_has_not_registered_in_time() -> None:
    bench = Bench(SELF, workers="ab")
    bench.see("a")
    bench.wait(START_TIMEOUT_S)

    assert bench.faults == [("b", "not registered within 60 s")]


def test_self_gives_more_time_while_zookeeper_is_away() -> None:
    bench = Bench(SELF, workers="ab")
    bench.see("a")
    bench.all.unsettle(inf)
    bench.wait(START_TIMEOUT_S * 10)
    assert bench.faults == []

    bench.all.unsettle(bench.now + 8)
    bench.wait(7.9)
    assert bench.faults == []
    bench.wait(0.2 + GRACE_S)
    assert [worker for worker, _ in bench.faults] == ["b"]


def test_a_worker_that_was_started_in_an_outage_gets_a_stand_in_soon_after_it() -> None:
    """Its session timeout is of no concern here: a stand-in harms nobody."""
    bench = Bench()
    bench.all.unsettle(inf)
    bench.all.started("a", bench.now)
    bench.wait(GRACE_S * 10)
    bench.take()
    bench.all.unsettle(bench.now + 60)
    bench.wait(LOOK_AGAIN_S)

    assert bench.take() == [MakeStandIn("a")]


def test_self_finds_nobody_faulty_where_registrations_name_nobody() -> None:
    bench = Bench(SELF, Style.ANONYMOUS)
    bench.all.started("a", bench.now)
    bench.wait(START_TIMEOUT_S * 2)

    assert bench.faults == []
    assert bench.ready == [("a", None)]
    assert bench.all.registered("a") is None


# ---- auto


def test_auto_watches_and_stands_in_when_the_grace_has_passed() -> None:
    bench = Bench()
    bench.all.started("a", bench.now)
    assert bench.take() == [WatchRegistration("a")]
    bench.wait(GRACE_S - 0.01)
    assert bench.take() == []
    bench.wait(0.01)

    assert bench.take() == [MakeStandIn("a")]


def test_auto_stands_in_at_once_where_those_before_did_not_register_in_time() -> None:
    bench = Bench(workers="a")
    bench.wait(GRACE_S)
    bench.take()
    bench.all.ended("a", bench.now)
    bench.all.started("b", bench.now)
    assert bench.take() == [RemoveRegistration("a"), WatchRegistration("b"), MakeStandIn("b")]
    bench.see("b")
    assert bench.take() == [WithdrawStandIn("b")]
    bench.all.started("c", bench.now)

    assert bench.take() == [WatchRegistration("c")]


def test_auto_never_stands_in_for_one_that_registers_in_time() -> None:
    bench = Bench(workers="a")
    bench.see("a")
    bench.wait(1000)

    assert bench.take() == []
    assert bench.faults == []


def test_auto_takes_a_worker_for_ready_at_once_and_tells_when_it_is_registered() -> None:
    bench = Bench(workers="a")
    assert bench.ready == [("a", False)]
    bench.see("a")

    assert bench.ready == [("a", False), ("a", True)]


def test_auto_leaves_a_pool_with_stand_ins_alone() -> None:
    bench = with_stand_ins("abc")
    bench.wait(10_000)

    assert bench.take() == []
    assert bench.faults == []
    assert bench.all.next_deadline() is None


def test_auto_withdraws_all_stand_ins_when_one_worker_registers_late() -> None:
    bench = with_stand_ins("abc")
    bench.wait(5)
    bench.see("b")

    assert sorted(map(str, bench.take())) == [str(WithdrawStandIn(worker)) for worker in "abc"]
    assert bench.all.style is Style.IDENTIFIED
    assert bench.all.identified == 1


def test_auto_makes_no_stand_in_where_the_pool_is_known_to_register() -> None:
    bench = identified("a")
    bench.all.started("b", bench.now)
    bench.wait(START_TIMEOUT_S - 1)

    assert bench.take() == [WatchRegistration("b")]
    assert bench.faults == []
    bench.wait(1)
    assert bench.faults == [("b", "not registered within 60 s")]


def test_auto_gives_neighbours_their_time_from_the_moment_that_registering_is_the_rule() -> None:
    bench = with_stand_ins("ab")
    bench.wait(1000)
    bench.see("a")
    bench.wait(START_TIMEOUT_S - 1)
    assert bench.faults == []
    bench.wait(1)

    assert bench.faults == [("b", "not registered within 60 s")]


def test_auto_makes_no_stand_in_while_zookeeper_is_away_and_makes_it_after() -> None:
    bench = Bench(workers="a")
    bench.all.unsettle(inf)
    bench.wait(100)
    assert bench.take() == []
    bench.all.unsettle(bench.now)
    bench.wait(GRACE_S)

    assert bench.take() == [MakeStandIn("a")]


def test_a_grace_of_nothing_does_not_keep_the_agent_busy_while_zookeeper_is_away() -> None:
    bench = Bench(workers="a", grace_s=0.0)
    bench.all.unsettle(inf)
    bench.all.expire(bench.now)
    due = bench.all.next_deadline()

    assert due is None or due > bench.now


def test_a_registration_seen_twice_or_of_nobody_is_no_news() -> None:
    bench = Bench(workers="a")
    bench.see("aax")

    assert bench.ready == [("a", False), ("a", True)]
    assert bench.all.identified == 1


def test_a_stand_in_that_comes_to_stand_after_its_withdrawal_does_not_count() -> None:
    bench = Bench(workers="a")
    bench.wait(GRACE_S)
    bench.see("a")
    bench.all.stood_in("a")
    bench.lose("a")

    assert bench.all.registered("a") is False
