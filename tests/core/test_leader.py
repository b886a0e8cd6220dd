"""The leader: when it decides, and who counts as foreign."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from autohealer.core.actions import Action, Warn
from autohealer.core.cluster.leader import Leader
from autohealer.core.model import Child, Plan, PoolSpec, RestartPolicy
from tests.core.leader_bench import EPOCH, GRACE_S, ME, MZXID, SESSION_TIMEOUT_S, Bench, anonymous, identified

# ---- when it decides


def test_it_writes_the_plan_when_it_knows_agents_target_and_children() -> None:
    assert Bench("b").decide() == Plan(EPOCH, "me", 10, 0, {"b": 5, "me": 5})


@pytest.mark.parametrize("unknown", ["leadership", "agents", "target", "children"])
def test_it_writes_nothing_while_anything_is_unknown(unknown: str) -> None:
    orders: list[Action] = []
    leader = Leader(PoolSpec("default", 10, register_grace_s=GRACE_S), "me", orders.append)
    if unknown != "leadership":
        leader.won(EPOCH)
    if unknown != "agents":
        leader.agents_read({"me": ME}, 1000.0, SESSION_TIMEOUT_S)
    if unknown != "target":
        leader.target_read(3)
    if unknown != "children":
        leader.children_read((), 0.0)
    leader.decide(ME, 0.0)

    assert orders == []
    assert leader.next_deadline() is None


def test_a_pool_without_a_target_gets_no_plan() -> None:
    bench = Bench()
    bench.leader.target_read(None)

    assert bench.decide() is None


def test_one_that_does_not_lead_any_more_writes_nothing() -> None:
    bench = Bench()
    bench.leader.lost()
    bench.leader.target_read(3)

    assert bench.decide() is None
    assert bench.leader.next_deadline() is None


def test_a_new_leader_looks_before_it_writes() -> None:
    bench = Bench()
    bench.settle()
    bench.leader.lost()
    bench.leader.won(EPOCH + 1)
    assert bench.decide() is None
    bench.look()

    assert bench.settle() == Plan(EPOCH + 1, "me", 10, 0, {"me": 10})


def test_it_writes_nothing_twice_while_the_answer_is_awaited() -> None:
    bench = Bench()
    assert bench.decide() is not None
    bench.leader.target_read(3)
    assert bench.decide() is None
    bench.leader.plan_read(Plan(EPOCH, "me", 10, 0, {"me": 10}), MZXID)

    assert bench.decide() == Plan(EPOCH, "me", 3, 0, {"me": 3})


def test_a_plan_that_stands_as_it_should_is_not_written_again() -> None:
    bench = Bench("b")
    bench.settle()
    bench.look()
    bench.leader.agents_read(dict(bench.agents), bench.now, SESSION_TIMEOUT_S)
    bench.leader.target_read(10)

    assert bench.decide() is None


def test_what_runs_is_no_reason_to_write() -> None:
    bench = Bench()
    bench.settle()
    bench.mine = replace(bench.mine, running=7, share=7)

    assert bench.decide() is None


@pytest.mark.parametrize(
    "damaged",
    [None, Plan(EPOCH, "me", 10, 0, {"me": 9}), Plan(EPOCH, "me", 10, 3, {"me": 10}), Plan(EPOCH, "me", 10, 0, {}),
     Plan(EPOCH + 1, "me", 10, 0, {"me": 10}), Plan(EPOCH - 1, "other", 10, 0, {"me": 0, "other": 10})],
)  # fmt: skip
def test_whatever_stands_in_place_of_the_plan_is_replaced(damaged: Plan | None) -> None:
    bench = Bench()
    right = bench.settle()
    bench.leader.plan_read(damaged, MZXID)

    assert bench.decide() == right


def test_a_refused_plan_is_written_again_a_second_later() -> None:
    bench = Bench()
    plan = bench.decide()
    bench.leader.plan_refused(bench.now)
    assert bench.decide() is None
    due = bench.leader.next_deadline()
    assert due is not None
    assert 0 < due - bench.now <= 1
    bench.now = due

    assert bench.decide() == plan


def test_why_a_plan_can_not_be_written_is_said_once() -> None:
    bench = Bench("b")
    told: list[Action] = []
    for _ in range(3):
        bench.decide()
        bench.leader.plan_refused(bench.now, "too large")
        told += [order for order in bench.orders if isinstance(order, Warn)]
        bench.now += 1

    assert told == [Warn("too large; the former plan stands")]


def test_a_target_change_changes_the_plan() -> None:
    bench = Bench("b")
    bench.settle()
    bench.leader.target_read(3)

    assert bench.settle().shares == {"b": 2, "me": 1}


# ---- agents


def test_a_lost_agents_share_moves_at_once() -> None:
    bench = Bench("b")
    bench.settle()
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 10}


def test_a_draining_agent_gets_nothing_and_is_still_named() -> None:
    bench = Bench("b")
    bench.leader.agents_read({"me": ME, "b": replace(ME, draining=True)}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 10, "b": 0}


def test_capacity_is_respected() -> None:
    bench = Bench("b")
    bench.leader.agents_read({"me": ME, "b": replace(ME, capacity=2)}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 8, "b": 2}


def test_an_agent_whose_words_make_no_sense_keeps_its_share() -> None:
    bench = Bench("b")
    bench.settle()
    bench.leader.agents_read({"me": ME, "b": None}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 5, "b": 5}


def test_what_has_never_made_sense_gets_no_share() -> None:
    bench = Bench()
    bench.leader.agents_read({"me": ME, "junk": None}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 10, "junk": 0}


def test_what_it_says_of_itself_is_newer_than_what_it_reads_of_itself() -> None:
    bench = Bench("b")
    bench.settle()
    bench.mine = replace(ME, capacity=1)

    assert bench.settle().shares == {"me": 1, "b": 9}


# ---- identified workers of nobody


def test_what_is_found_at_the_first_look_is_old() -> None:
    bench = Bench(children=(identified("gone-0-a"), anonymous("1")))

    assert bench.settle().foreign == 2


def test_the_worker_of_no_live_agent_is_foreign_once_the_grace_has_passed() -> None:
    bench = Bench()
    bench.settle()
    bench.come(identified("gone-0-a"))
    assert bench.settle().foreign == 0
    bench.wait(GRACE_S - 0.01)
    assert bench.settle().foreign == 0
    bench.wait(0.01)
    assert bench.settle() == Plan(EPOCH, "me", 10, 1, {"me": 9})
    bench.go(identified("gone-0-a"))

    assert bench.settle().foreign == 0


def test_a_foreign_worker_and_its_stand_in_are_one() -> None:
    bench = Bench(children=(identified("gone-0-a"), Child("gone-0-a.agent", "gone-0-a")))

    assert bench.settle().foreign == 1


def test_the_worker_of_a_live_agent_is_never_foreign() -> None:
    bench = Bench("b", children=(identified("b-0-a"), identified("me-0-a")))
    bench.wait(1000)

    assert bench.settle().foreign == 0


def test_what_a_lost_agent_leaves_is_old() -> None:
    bench = Bench("b")
    bench.settle()
    bench.come(identified("b-0-a"))
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle() == Plan(EPOCH, "me", 10, 1, {"me": 9})


def test_nobody_gives_workers_away_at_once_for_what_a_lost_agent_leaves() -> None:
    """It may be back in a moment, and give them away itself, by the plan that stands: then fewer would run."""
    bench = Bench("b", "c", target=11)
    for agent, count in {"me": 3, "b": 5, "c": 3}.items():
        bench.agents[agent] = replace(ME, running=count)
    bench.mine = replace(ME, running=3)
    bench.leader.plan_read(Plan(EPOCH, "me", 11, 0, {"me": 4, "b": 3, "c": 4}), MZXID)
    bench.leader.agents_read(dict(bench.agents), bench.now, SESSION_TIMEOUT_S)
    bench.come(*(identified(f"b-{number}-a") for number in range(5)))
    del bench.agents["b"]
    bench.mine = bench.agents["c"] = replace(ME, running=4)
    bench.leader.plan_read(Plan(EPOCH, "me", 11, 0, {"me": 4, "b": 3, "c": 4}), MZXID)
    bench.leader.agents_read(dict(bench.agents), bench.now, SESSION_TIMEOUT_S)
    bench.follow()
    bench.wait(GRACE_S / 2)

    assert bench.settle().shares == {"me": 4, "c": 4}

    bench.wait(GRACE_S)

    assert bench.settle().shares == {"me": 3, "c": 3}


def test_what_others_leave_is_no_older_because_an_agent_is_lost() -> None:
    bench = Bench("b")
    bench.settle()
    bench.come(identified("x-0-a"))
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().foreign == 0


def test_more_foreign_workers_than_wanted_leave_nothing_to_run() -> None:
    bench = Bench(target=1, children=(identified("x-0-a"), identified("x-1-a"), anonymous("1")))

    assert bench.settle() == Plan(EPOCH, "me", 1, 3, {"me": 0}, anonymous=True)


# ---- anonymous workers


def test_anonymous_ones_beyond_our_own_are_foreign_once_the_grace_has_passed() -> None:
    bench = Bench(anonymous=1, children=(anonymous("ours"),))
    assert bench.settle().foreign == 0
    bench.come(anonymous("theirs"))
    bench.settle()
    bench.wait(GRACE_S - 0.01)
    assert bench.settle().foreign == 0
    bench.wait(0.01)

    assert bench.settle().foreign == 1


def test_our_unregistered_and_departed_workers_explain_anonymous_ones() -> None:
    children = tuple(anonymous(str(number)) for number in range(6))
    bench = Bench("b", anonymous=2, children=children)
    bench.leader.agents_read({"me": ME, "b": replace(ME, unregistered=2, departed=1)}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().foreign == 1


def test_fewer_anonymous_ones_than_ours_are_no_negative_number() -> None:
    assert Bench(anonymous=5, children=(anonymous("1"),)).settle().foreign == 0


def test_a_foreign_anonymous_one_that_has_gone_counts_no_longer() -> None:
    bench = Bench(children=(anonymous("1"), anonymous("2")))
    assert bench.settle().foreign == 2
    bench.go(anonymous("2"))

    assert bench.settle() == Plan(EPOCH, "me", 10, 1, {"me": 9}, anonymous=True)


def test_a_passing_surplus_of_anonymous_ones_moves_nothing() -> None:
    bench = Bench(anonymous=1, children=(anonymous("old"),))
    plan = bench.settle()
    bench.come(anonymous("new"))
    bench.settle()
    bench.wait(GRACE_S / 2)
    bench.mine = replace(bench.mine, departed=1)
    bench.wait(GRACE_S * 2)
    assert bench.settle() == plan
    bench.mine = replace(bench.mine, departed=0)
    bench.go(anonymous("old"))
    bench.wait(GRACE_S * 2)

    assert bench.settle() == plan


def test_anonymous_ones_that_a_lost_agent_leaves_are_old() -> None:
    bench = Bench(children=(anonymous("1"), anonymous("2")))
    bench.leader.agents_read({"me": ME, "b": replace(ME, unregistered=2)}, bench.now, SESSION_TIMEOUT_S)
    bench.settle()
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle() == Plan(EPOCH, "me", 10, 2, {"me": 8}, anonymous=True)


def test_a_registration_that_gets_a_name_is_anonymous_no_longer() -> None:
    bench = Bench(children=(anonymous("1"),))
    assert bench.settle().foreign == 1
    bench.children = {Child("worker_1", "gone-0-a")}
    bench.look()
    bench.wait(GRACE_S * 2)
    assert bench.settle().foreign == 1
    bench.children = {Child("worker_1", "me-0-a")}
    bench.look()
    bench.wait(GRACE_S * 2)

    assert bench.settle().foreign == 0


def test_it_tells_how_many_anonymous_ones_came_and_went() -> None:
    leader = Leader(PoolSpec("default", 10, register_grace_s=GRACE_S), "me", lambda _: None)
    leader.won(EPOCH)

    assert leader.children_read((anonymous("1"), identified("x-0-a")), 0.0) == (1, 0)
    assert leader.children_read((anonymous("1"), anonymous("2"), anonymous("3")), 1.0) == (2, 0)
    assert leader.children_read((anonymous("4"),), 2.0) == (1, 3)


def test_it_names_the_workers_of_an_agent_that_are_registered() -> None:
    bench = Bench(children=(identified("me-0-a"), Child("me-1-b.agent", "me-1-b"), identified("x-0-a"), anonymous("1")))

    assert sorted(bench.leader.registered.names_of("me")) == ["me-0-a", "me-1-b"]


def test_where_workers_may_finish_the_leader_runs_them_all_and_says_so() -> None:
    bench = Bench("b", restart=RestartPolicy.ON_FAILURE)
    plan = bench.settle()

    assert (plan.shares, plan.finishes) == ({"me": 10, "b": 0}, True)
