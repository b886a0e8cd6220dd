"""Each of the simulation's invariants finds a product that breaks it: one decision of the product is made wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autohealer.coordination.pool import assignment, cluster
from autohealer.core.actions import SignalWorker
from autohealer.core.cluster.leader import Leader
from autohealer.core.cluster.lease import Lease
from autohealer.core.cluster.membership import Membership
from autohealer.core.model import OnPartition
from autohealer.core.pool.brake import Brake
from autohealer.core.pool.restarts import Restarts
from autohealer.core.pool.rollouts import Rollouts
from autohealer.core.pool.slots import Slots
from autohealer.core.pool.soak import Soak
from autohealer.core.pool.verbs import Verbs
from autohealer.runtime.revisions import Revisions
from tests.simulation.faults import FIRST_FAULTS
from tests.simulation.pools import Pool, Senses
from tests.simulation.scenario import Scenario
from tests.simulation.test_simulation import (
    assert_never_fewer,
    assert_never_fewer_ready,
    assert_soon_at_rest,
    gentle,
    rolling_out,
)

SEEDS = 60

Mutation = Callable[[pytest.MonkeyPatch], None]


def keep(seed: int) -> None:
    Scenario(seed, OnPartition.KEEP).run()


def stop(seed: int) -> None:
    Scenario(seed, OnPartition.STOP).run()


def probed(seed: int) -> None:
    Scenario(seed, OnPartition.KEEP, pools=[Pool("default", 8, senses=Senses.PROBE)]).run()


def ledger_lost(_: int) -> None:
    """Seldom enough to be one seed's."""
    Scenario(377, OnPartition.KEEP, faults=FIRST_FAULTS).run()


def never_fewer(seed: int) -> None:
    scenario = gentle(seed)
    scenario.run()
    assert_never_fewer(scenario)


def never_fewer_ready(seed: int) -> None:
    scenario = rolling_out(seed)
    scenario.run()
    assert_never_fewer_ready(scenario)


def rolled_out(seed: int) -> None:
    scenario = rolling_out(seed)
    scenario.run()
    assert_soon_at_rest(scenario)


def adopted_workers_fill_no_slot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Slots, "adopt", lambda slots, event: slots._lives.adopt(event, None))


def a_lease_lasts_too_long(patch: pytest.MonkeyPatch) -> None:
    granted = Lease.granted
    patch.setattr(Lease, "granted", lambda lease, timeout_s: granted(lease, 20 * timeout_s))


def who_is_cut_off_stops(patch: pytest.MonkeyPatch) -> None:
    allowed = Membership.allowed
    patch.setattr(Membership, "allowed", lambda member, now: 0 if member.is_away else allowed(member, now))


def a_restart_waits_for_minutes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Restarts, "after_exit", lambda *_, **__: 200.0)


def a_restart_never_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Restarts, "after_exit", lambda *_, **__: 0.0)


def a_surge_need_not_be_ready(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Soak, "is_ready", lambda _, life: life is not None and not life.is_stopping)


def the_first_new_worker_proves_all(patch: pytest.MonkeyPatch) -> None:
    made = Soak.__init__
    patch.setattr(Soak, "__init__", lambda soak, _soak_s, alive_s: made(soak, 0.0, alive_s))


def the_brake_always_has_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Brake, "has_room", lambda *_: True)


def a_plan_is_written_whoever_leads(patch: pytest.MonkeyPatch) -> None:
    write = assignment.Plans.write

    class Anyhow:
        """A transaction that checks nothing."""

        def __init__(self, transaction: Any) -> None:
            self._transaction = transaction
            transaction.check("/", -1)

        def check(self, path: str, version: int) -> None:
            """Whoever leads."""

        def __getattr__(self, name: str) -> Any:
            return getattr(self._transaction, name)

    def anyhow(plans: assignment.Plans, plan: Any, _: str | None) -> None:
        commit = plans._link.commit

        class Link:
            up = True

            def commit(self, path: str, fill: Any, done: Any) -> None:
                commit(path, lambda transaction: fill(Anyhow(transaction)), done)

        link, plans._link = plans._link, Link()  # type: ignore[assignment]  # it has what a write asks for
        try:
            write(plans, plan, "/")
        finally:
            plans._link = link

    patch.setattr(assignment.Plans, "write", anyhow)
    patch.setattr(Leader, "lost", lambda _: None)


def whoever_is_asked_kills(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Verbs, "_kill", lambda verbs, operation: verbs._order(SignalWorker(operation.subject, 9)))


def everything_is_looked_at_all_the_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cluster, "LOOK_AGAIN_S", 0.1)


def the_leader_plans_one_too_many(patch: pytest.MonkeyPatch) -> None:
    shares = Leader._shares

    def more(leader: Leader, *arguments: Any) -> dict[str, int]:
        found = shares(leader, *arguments)
        return {**found, min(found): found[min(found)] + 1} if found else found

    patch.setattr(Leader, "_shares", more)


def revisions_are_numbered_by_the_ledger_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Revisions, "found", lambda *_: None)


def what_is_known_of_a_later_request_is_told_first(patch: pytest.MonkeyPatch) -> None:
    stands = Rollouts.stands

    def first(rollouts: Rollouts, request: str, outcome: str | None) -> None:
        stands(rollouts, request, outcome)
        if outcome is not None:
            rollouts._standing = {request: rollouts._standing.pop(request), **rollouts._standing}

    patch.setattr(Rollouts, "stands", first)


@pytest.mark.parametrize(
    ("mutation", "life", "found"),
    [
        (adopted_workers_fill_no_slot, keep, "besides"),
        (a_lease_lasts_too_long, stop, "of .* live"),
        (who_is_cut_off_stops, never_fewer, "of [0-9]+ in"),
        (a_restart_waits_for_minutes, keep, "has had .* of .* for"),
        (a_restart_never_waits, keep, "times a minute"),
        (a_surge_need_not_be_ready, never_fewer_ready, "ready in"),
        (the_first_new_worker_proves_all, keep, "of a bad release|takes a bad release for good"),
        (the_brake_always_has_room, probed, "replaced for verdicts at once"),
        (a_plan_is_written_whoever_leads, keep, "writes in epoch|there is no candidate"),
        (whoever_is_asked_kills, keep, "signals"),
        (everything_is_looked_at_all_the_time, keep, "requests a second"),
        (the_leader_plans_one_too_many, keep, "no rest within"),
        (revisions_are_numbered_by_the_ledger_alone, ledger_lost, "says that all is"),
        (what_is_known_of_a_later_request_is_told_first, rolled_out, "rolled out after"),
    ],
    ids=lambda value: getattr(value, "__name__", "") if callable(value) else "",
)
def test_what_is_made_wrong_is_found(
    mutation: Mutation, life: Callable[[int], None], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)

    with pytest.raises(AssertionError, match=found):
        live(life)


def live(life: Callable[[int], None]) -> None:
    """One seed after the other."""
    for seed in range(SEEDS):
        life(seed)
