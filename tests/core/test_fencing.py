"""With `--on-partition stop`: what an agent may run, when it asks ZooKeeper, and until when its watchdog waits."""

from __future__ import annotations

import pytest

from autohealer.core.actions import Action, ArmWatchdog, ProveAuthority
from autohealer.core.cluster.fencing import Fencing
from autohealer.core.events import AuthorityProven, WatchdogGone, WatchdogReady
from autohealer.core.model import OnPartition


def fencing() -> tuple[Fencing, list[Action]]:
    """Of an agent with a session of six seconds that has just been opened, at second 10."""
    orders: list[Action] = []
    made = Fencing(OnPartition.STOP, orders.append)
    made.session_opened(6.0)
    return made, orders


def test_it_asks_every_sixth_of_a_session_and_each_answer_moves_the_watchdog() -> None:
    made, orders = fencing()
    made.prove(10.0)
    made.prove(10.9)
    assert orders == [ProveAuthority(10.0)]
    assert made.next_deadline(away=False, runs=True) == 11.0
    made.prove(11.0)
    made.proven(AuthorityProven(11.2, 10.0))
    assert orders[1:] == [ProveAuthority(11.0), ArmWatchdog(14.0, 14.5)]
    made.proven(AuthorityProven(11.3, 11.0))
    assert orders[3:] == [ArmWatchdog(15.0, 15.5)]


def test_nothing_is_started_before_a_watchdog_stands_by() -> None:
    made, _ = fencing()
    assert made.allowed(3, 10.0) is None
    made.prove(10.0)
    made.proven(AuthorityProven(10.1, 10.0))
    assert made.allowed(3, 10.2) is None
    made.guarding(WatchdogReady(10.3))
    assert made.allowed(3, 10.4) == 3
    made.guarding(WatchdogGone(10.5))
    assert made.allowed(3, 10.6) is None
    assert made.allowed(3, 14.0) == 0  # it has proven something before, and its time is over


def test_with_the_session_all_that_was_proven_is_over() -> None:
    made, _ = fencing()
    made.prove(10.0)
    made.proven(AuthorityProven(10.1, 10.0))
    made.guarding(WatchdogReady(10.3))
    made.session_lost()
    assert made.allowed(3, 10.4) == 0
    assert made.next_deadline(away=False, runs=True) is None


@pytest.mark.parametrize(("runs", "due"), [(True, 14.0), (False, None)])
def test_while_zookeeper_is_away_only_what_runs_is_to_be_stopped_in_time(runs: bool, due: float | None) -> None:
    made, _ = fencing()
    made.prove(10.0)
    made.proven(AuthorityProven(10.1, 10.0))

    assert made.next_deadline(away=True, runs=runs) == due


def test_with_keep_everything_may_run_and_nobody_is_asked() -> None:
    orders: list[Action] = []
    made = Fencing(OnPartition.KEEP, orders.append)
    made.session_opened(6.0)
    made.prove(10.0)
    made.proven(AuthorityProven(10.1, 10.0))
    made.session_lost()

    assert (made.allowed(3, 99.0), made.allowed(None, 99.0)) == (3, None)
    assert made.next_deadline(away=True, runs=True) is None
    assert orders == []
