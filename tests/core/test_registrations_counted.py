"""Registrations, in detail: who counts as registered, and whose loss is judged together with whose."""

from __future__ import annotations

import pytest

from autohealer.core.actions import MakeStandIn
from autohealer.core.cluster.registrations import Style
from tests.core.registrations_bench import AUTO, GRACE_S, SELF, START_TIMEOUT_S, Bench

LOST = "registration lost"


def test_one_that_names_itself_where_others_do_not_is_known_to_be_registered() -> None:
    bench = Bench(style=Style.ANONYMOUS, workers="abc")
    bench.see("a")

    assert [bench.all.registered(worker) for worker in "abx"] == [True, None, False]
    assert [bench.all.owns(worker) for worker in "abx"] == [True, False, False]
    assert (bench.all.identified, bench.all.unregistered) == (1, 2)


@pytest.mark.parametrize(
    ("mode", "style", "unregistered"),
    [(AUTO, Style.UNKNOWN, 0), (SELF, Style.UNKNOWN, 2), (SELF, Style.IDENTIFIED, 0), (AUTO, Style.ANONYMOUS, 2)],
)
def test_who_may_hold_a_registration_that_names_nobody(mode: object, style: Style, unregistered: int) -> None:
    assert Bench(mode, style, workers="ab").all.unregistered == unregistered  # type: ignore[arg-type]  # one of its modes


def test_what_has_come_back_is_not_lost_when_another_is() -> None:
    bench = Bench(workers="abc")
    bench.see("abc")
    bench.lose("a")
    bench.wait(1)
    bench.see("a")
    bench.lose("b")
    bench.wait(GRACE_S)

    assert bench.faults == [("b", LOST)]


def test_a_loss_that_has_been_judged_is_not_judged_again_with_the_next_one() -> None:
    bench = Bench(workers="abc")
    bench.see("abc")
    for worker in "ab":
        bench.lose(worker)
        bench.wait(GRACE_S)

    assert bench.faults == [("a", LOST), ("b", LOST)]


def test_those_that_were_forgiven_together_do_not_excuse_the_next_one() -> None:
    bench = Bench(workers="abc")
    bench.see("abc")
    bench.lose("ab")
    bench.wait(GRACE_S)
    assert [order.worker for order in bench.take() if isinstance(order, MakeStandIn)] == ["a", "b"]
    bench.lose("c")
    bench.wait(GRACE_S)

    assert bench.faults == [("c", LOST)]


def test_what_vanishes_until_zookeeper_has_settled_is_nobodys_fault_and_from_then_on_it_is() -> None:
    for settled_s, faults in ((GRACE_S, [("a", LOST)]), (GRACE_S + 0.1, [])):
        bench = Bench(workers="abc")
        bench.see("abc")
        bench.lose("a")
        bench.all.unsettle(bench.now + settled_s)
        bench.wait(GRACE_S)
        assert bench.faults == faults


@pytest.mark.parametrize("grace_s", [GRACE_S, 2 * START_TIMEOUT_S])
def test_the_next_deadline_is_the_earlier_of_both_kinds(grace_s: float) -> None:
    bench = Bench(style=Style.ANONYMOUS, workers="ab", grace_s=grace_s)
    bench.see("b")
    bench.all.ended("a", bench.now)
    departed_by = bench.all.next_deadline()
    assert departed_by == bench.now + START_TIMEOUT_S
    bench.lose("b")

    assert bench.all.next_deadline() == min(departed_by, bench.now + grace_s)


def test_only_where_registrations_name_nobody_may_a_dead_worker_have_left_one() -> None:
    for style, expects in ((Style.ANONYMOUS, True), (Style.IDENTIFIED, False)):
        bench = Bench(style=style, workers="a")
        bench.all.ended("a", bench.now)
        assert (bench.all.anonymous.next_deadline() is not None) is expects
    bench = Bench(style=Style.ANONYMOUS, workers="a")
    bench.see("a")
    bench.all.ended("a", bench.now)
    assert bench.all.anonymous.next_deadline() is None


def test_who_may_just_have_registered_is_young_and_has_no_registration_of_its_own() -> None:
    bench = Bench(workers="abc")
    bench.see("c")
    assert bench.all._young(bench.now + START_TIMEOUT_S) == ("a", "b")
    assert bench.all._young(bench.now + START_TIMEOUT_S + 0.1) == ()
    bench.all.unsettle(bench.now + 10)
    assert bench.all._young(bench.now + START_TIMEOUT_S + 10) == ("a", "b")
