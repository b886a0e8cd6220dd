"""What a leader keeps from one term, one look and one decision to the next, and what it begins anew."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from autohealer.core.actions import DeleteRequest, Warn
from autohealer.core.cluster.leader import RETRY_S
from autohealer.core.model import OnPartition, Plan, RevisionEntry
from tests.core.leader_bench import EPOCH, GRACE_S, ME, MZXID, SESSION_TIMEOUT_S, Bench, identified

DONE = {request: replace(ME, revision=RevisionEntry(1, "a", outcome=f"done {request}")) for request in ("r1", "r2")}


def deleted(bench: Bench) -> list[str]:
    return [order.request for order in bench.orders if isinstance(order, DeleteRequest)]


def test_a_new_term_waits_for_no_answer_of_the_former_one() -> None:
    bench = Bench("b")
    assert bench.decide() is not None
    assert bench.decide() is None
    bench.leader.lost()
    bench.leader.won(EPOCH + 1)
    bench.look()
    plan = bench.decide()

    assert plan is not None
    assert plan.epoch == EPOCH + 1


def test_each_leader_takes_away_what_all_have_done_and_once() -> None:
    bench = Bench("b")
    bench.settle()
    bench.mine = replace(ME, revision=RevisionEntry(1, "a", outcome="done r1"))
    bench.leader.request_stands("r1")
    bench.leader.agents_read(dict.fromkeys(["me", "b"], bench.mine), bench.now, SESSION_TIMEOUT_S)
    bench.decide()
    assert deleted(bench) == ["r1"]
    bench.leader.target_read(11)
    bench.decide()
    assert deleted(bench) == []
    bench.leader.lost()
    bench.leader.won(EPOCH + 1)
    bench.look()
    bench.decide()
    assert deleted(bench) == ["r1"]


def test_several_that_are_done_go_in_the_order_of_their_names() -> None:
    bench = Bench()
    bench.settle()
    undone = {str(n): replace(ME, revision=RevisionEntry(1, "a", outcome=f"undone r{n}")) for n in range(6)}
    for number in (3, 0, 5, 1, 4, 2):
        bench.leader.request_stands(f"r{number}")
    bench.leader.agents_read({"me": ME, **undone}, bench.now, SESSION_TIMEOUT_S)
    bench.decide()

    assert deleted(bench) == [f"r{number}" for number in range(6)]


def test_whose_turn_it_is_keeps_it_until_it_has_nothing_left_to_exchange() -> None:
    bench = Bench("b")
    old = replace(ME, revision=RevisionEntry(1, "a", old=2))
    bench.mine = old
    bench.leader.plan_read(Plan(EPOCH, "me", 10, 0, {"me": 5, "b": 5}, turn="me"), MZXID)
    bench.leader.agents_read({"me": old, "b": old}, bench.now, SESSION_TIMEOUT_S)
    assert bench.settle().turn == "me"
    bench.mine = replace(ME, revision=RevisionEntry(2, "b"))
    assert bench.settle().turn == "b"


def test_whom_it_has_not_read_again_it_decides_nothing_about() -> None:
    bench = Bench("b", "c")
    bench.settle()
    bench.leader.agents_listed()
    bench.leader.target_read(12)
    assert bench.decide() is None
    bench.leader.agents_read(dict(bench.agents), bench.now, SESSION_TIMEOUT_S)
    assert bench.decide() is not None


def test_who_vanished_before_this_leader_lost_sight_of_the_agents_is_not_counted_with_those_that_vanish_later() -> None:
    for forgets in (True, False):
        bench = Bench("b", "c", "d", "e")
        bench.settle()
        bench.leader.agents_read(dict.fromkeys(["me", "c", "d", "e"], ME), bench.now, SESSION_TIMEOUT_S)
        if forgets:
            bench.leader.agents_listed()
            bench.leader.agents_read(dict.fromkeys(["me", "c", "d", "e"], ME), bench.now, SESSION_TIMEOUT_S)
        bench.leader.agents_read(dict.fromkeys(["me", "e"], ME), bench.now, SESSION_TIMEOUT_S)
        assert (bench.decide() is None) is not forgets


def test_a_look_at_which_nobody_is_missed_makes_no_hold_longer() -> None:
    bench = Bench("b", "c")
    bench.settle()
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)
    until = bench.now + SESSION_TIMEOUT_S
    bench.now += 3
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)
    assert bench.decide() is None
    assert bench.leader.next_deadline() == until


def test_a_hold_is_a_reason_to_decide_again_when_it_ends() -> None:
    bench = Bench("b")
    bench.settle()
    bench.leader.hold(bench.now + 6, "ZooKeeper was away")
    bench.decide()

    assert bench.leader.next_deadline() == bench.now + 6


def test_only_who_leads_speaks_of_other_policies_and_waits_for_anything() -> None:
    bench = Bench("b")
    bench.mine = replace(ME, running=5)
    bench.come(identified("gone-0-a"))
    bench.decide()
    bench.leader.agents_read(
        {"me": ME, "b": replace(ME, policy={"on-partition": "stop"})}, bench.now, SESSION_TIMEOUT_S
    )
    assert [order for order in bench.orders if isinstance(order, Warn)]
    assert bench.leader.next_deadline() is not None
    bench.leader.lost()
    assert bench.leader.next_deadline() is None
    bench.orders.clear()
    bench.leader.agents_read(
        {"me": ME, "b": replace(ME, policy={"on-partition": "none"})}, bench.now, SESSION_TIMEOUT_S
    )
    assert bench.orders == []


def test_a_refusal_without_a_reason_says_nothing() -> None:
    bench = Bench()
    bench.leader.plan_refused(bench.now, "no right")
    bench.orders.clear()
    bench.leader.plan_refused(bench.now)

    assert bench.orders == []


def test_where_all_drain_nobody_is_told_that_anything_lacks() -> None:
    bench = Bench("b")
    bench.settle()
    bench.mine = replace(ME, draining=True)
    bench.leader.agents_read(dict.fromkeys(["me", "b"], bench.mine), bench.now, SESSION_TIMEOUT_S)
    bench.orders.clear()
    bench.leader.decide(bench.mine, bench.now)

    assert not [order for order in bench.orders if isinstance(order, Warn)]


# ---- stop


def test_one_of_several_that_may_not_trust_the_plan_gets_another_and_the_leader_itself_does_not() -> None:
    followed = replace(ME, plan=MZXID)
    for waiting, repeats in (({"b": 0}, True), ({"me": 0}, False)):
        bench = Bench("b", "c", target=6, on_partition=OnPartition.STOP)
        bench.leader.plan_read(Plan(EPOCH, "me", 6, 0, {"me": 2, "b": 2, "c": 2}), MZXID)
        said = {agent: replace(followed, plan=waiting.get(agent, MZXID), running=2) for agent in ("me", "b", "c")}
        bench.mine = said["me"]
        bench.leader.agents_read(dict(said), bench.now, SESSION_TIMEOUT_S)
        assert (bench.decide() is not None) is repeats


def test_an_agent_whose_words_make_no_sense_is_not_waited_for() -> None:
    bench = Bench("b", target=4, on_partition=OnPartition.STOP)
    bench.leader.plan_read(Plan(EPOCH, "me", 4, 0, {"me": 2, "b": 2}), MZXID)
    bench.mine = replace(ME, plan=MZXID, running=2)
    bench.leader.agents_read({"me": bench.mine, "b": None}, bench.now, SESSION_TIMEOUT_S)

    assert bench.decide() is None


@pytest.mark.parametrize(("policy", "total"), [(OnPartition.KEEP, 8), (OnPartition.STOP, 3)])
def test_what_a_lost_agent_leaves_counts_at_once_where_there_may_never_be_too_many(
    policy: OnPartition, total: int
) -> None:
    bench = Bench("b", "c", target=8, on_partition=policy)
    plan = Plan(EPOCH, "me", 8, 0, {"me": 4, "b": 0, "c": 4})
    entries = {agent: replace(ME, plan=MZXID, running=count) for agent, count in {"me": 4, "b": 5, "c": 4}.items()}
    bench.mine = entries["me"]
    bench.leader.plan_read(plan, MZXID)
    bench.leader.agents_read(dict(entries), bench.now, SESSION_TIMEOUT_S)
    bench.come(*(identified(f"b-{number}-a") for number in range(5)))
    del entries["b"]
    bench.leader.agents_read(dict(entries), bench.now, SESSION_TIMEOUT_S)

    assert sum(bench.settle().shares.values()) == total
    bench.wait(GRACE_S)
    assert sum(bench.settle().shares.values()) == 3


def test_who_runs_more_than_its_share_keeps_no_more_than_that_for_a_lost_agent() -> None:
    bench = Bench("b", target=6)
    plan = Plan(EPOCH, "me", 6, 0, {"me": 2, "b": 4})
    bench.mine = replace(ME, running=6)
    bench.leader.plan_read(plan, MZXID)
    bench.leader.agents_read({"me": bench.mine, "b": ME}, bench.now, SESSION_TIMEOUT_S)
    bench.come(*(identified(f"b-{number}-a") for number in range(6)))
    bench.leader.agents_read({"me": bench.mine}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 2}


def test_where_no_plan_stands_nobody_can_follow_an_older_one() -> None:
    bench = Bench("b", target=4, on_partition=OnPartition.STOP)
    bench.mine = replace(ME, plan=99)
    bench.leader.agents_read({"me": bench.mine, "b": replace(ME, plan=98)}, bench.now, SESSION_TIMEOUT_S)
    plan = bench.decide()

    assert plan is not None
    assert plan.shares == {"me": 2, "b": 2}


def test_it_wakes_at_the_earliest_of_all_it_waits_for() -> None:
    """Here for an agent that waits for a plan, and, later, for the end of a registration's grace."""
    bench = Bench("b", target=4, on_partition=OnPartition.STOP)
    bench.leader.plan_read(Plan(EPOCH, "me", 4, 0, {"me": 2, "b": 2}), MZXID)
    bench.mine = replace(ME, plan=MZXID, running=2)
    bench.leader.agents_read({"me": bench.mine, "b": replace(ME, plan=0)}, bench.now, SESSION_TIMEOUT_S)
    bench.come(identified("gone-0-a"))
    bench.decide()

    assert bench.leader.next_deadline() == bench.now + RETRY_S
