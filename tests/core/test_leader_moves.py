"""The leader: when it moves workers between agents, and when it waits; and that it is quick with many."""

from __future__ import annotations

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autohealer.core.actions import Action, Warn, WritePlan
from autohealer.core.cluster.leader import Leader
from autohealer.core.cluster.policy import policy_of
from autohealer.core.model import AgentEntry, Child, OnPartition, Plan, PoolSpec
from tests.core.leader_bench import EPOCH, GRACE_S, ME, MZXID, SESSION_TIMEOUT_S, Bench, anonymous, identified

# ---- outages


def test_it_moves_nothing_while_it_holds_and_decides_when_that_ends() -> None:
    bench = Bench("b")
    bench.settle()
    bench.leader.hold(bench.now + 6, "ZooKeeper was away")
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)
    assert bench.decide() is None
    assert bench.leader.next_deadline() == bench.now + 6
    bench.now += 6

    assert bench.settle().shares == {"me": 10}


@pytest.mark.parametrize(
    ("agents", "left", "suspect"),
    [
        ("b", "", False),
        ("bc", "b", False),
        ("bc", "", True),
        ("bcd", "b", False),
        ("bcd", "", True),
        ("bcde", "b", True),
    ],
)
def test_more_than_half_of_three_or_more_agents_at_once_are_zookeepers_fault(
    agents: str, left: str, suspect: bool
) -> None:
    bench = Bench(*agents)
    bench.settle()
    bench.leader.agents_read(dict.fromkeys(["me", *left], ME), bench.now, SESSION_TIMEOUT_S)

    assert (bench.decide() is None) is suspect
    assert bench.leader.next_deadline() == (bench.now + SESSION_TIMEOUT_S if suspect else None)


def test_two_that_are_gone_of_two_that_were_named_are_no_sign_of_anything() -> None:
    """A new leader that was never named itself finds neither of them: two hosts may well end together."""
    bench = Bench()
    bench.leader.lost()
    bench.leader.agents_listed()
    bench.leader.session_opened(bench.now - 100)
    bench.leader.plan_read(Plan(EPOCH, "b", 10, 0, {"b": 5, "c": 5}), MZXID)
    bench.leader.won(EPOCH + 1)
    bench.look()
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 10}


def test_a_plan_that_is_refused_ends_no_hold() -> None:
    bench = Bench("b")
    bench.settle()
    bench.leader.hold(bench.now + 6, "ZooKeeper was away")
    bench.leader.plan_refused(bench.now)
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)
    bench.now += 5.9
    assert bench.decide() is None
    bench.now += 0.1
    assert bench.decide() is not None


def test_a_plan_that_is_refused_is_tried_again_after_a_moment() -> None:
    bench = Bench("b")
    bench.settle()
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)
    bench.leader.plan_refused(bench.now)
    assert bench.decide() is None
    bench.now = bench.leader.next_deadline() or 0.0
    assert bench.decide() is not None


@pytest.mark.parametrize(("apart_s", "suspect"), [(SESSION_TIMEOUT_S - 0.1, True), (SESSION_TIMEOUT_S, False)])
def test_agents_vanish_together_if_they_do_within_one_session_timeout(apart_s: float, suspect: bool) -> None:
    bench = Bench("b", "c")
    bench.settle()
    bench.leader.agents_read({"me": ME, "b": ME}, bench.now, SESSION_TIMEOUT_S)
    bench.settle()
    bench.now += apart_s
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)

    assert (bench.decide() is None) is suspect


@pytest.mark.parametrize(("session_s", "suspect"), [(SESSION_TIMEOUT_S, True), (SESSION_TIMEOUT_S - 0.1, False)])
def test_a_new_leader_suspects_zookeeper_where_it_misses_most_of_those_that_its_predecessor_named(
    session_s: float, suspect: bool
) -> None:
    """Unless it is new itself: what it has found may be the plan of a pool that has long ended."""
    leader = Leader(PoolSpec("default", 10), "me", lambda _: None)
    leader.session_opened(1000.0)
    leader.plan_read(Plan(EPOCH, "b", 10, 0, {"me": 3, "b": 4, "c": 3}), MZXID)
    leader.won(EPOCH + 1)
    leader.target_read(10)
    leader.children_read((), 1000.0)
    leader.agents_read({"me": ME}, 1000.0 + session_s, SESSION_TIMEOUT_S)
    leader.decide(ME, 1000.0 + session_s)

    assert (leader.next_deadline() == 1000.0 + session_s + SESSION_TIMEOUT_S) is suspect


def test_agents_that_drained_may_leave_together() -> None:
    bench = Bench("b", "c")
    leaving = replace(ME, draining=True)
    bench.leader.agents_read({"me": ME, "b": leaving, "c": leaving}, bench.now, SESSION_TIMEOUT_S)
    bench.settle()
    bench.leader.agents_read({"me": ME}, bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 10}


# ---- moving


def test_an_agent_that_shrinks_keeps_its_surplus_until_the_growers_run_theirs() -> None:
    bench = Bench(target=4)
    bench.mine = replace(ME, running=4)
    bench.settle()
    bench.leader.agents_read({"me": ME, "b": ME}, bench.now, SESSION_TIMEOUT_S)
    assert bench.settle().shares == {"b": 2, "me": 4}
    for running in (1, 2):
        bench.leader.agents_read({"me": ME, "b": replace(ME, running=running)}, bench.now, SESSION_TIMEOUT_S)
        assert bench.settle().shares == {"b": 2, "me": 4 - running}


def test_an_agent_that_may_not_trust_the_plan_it_found_gets_another_and_is_not_pestered() -> None:
    bench = Bench("b", target=4, on_partition=OnPartition.STOP)
    bench.leader.plan_read(Plan(EPOCH, "me", 4, 0, {"me": 2, "b": 2}), MZXID)
    bench.mine = replace(ME, plan=MZXID, running=2)
    # Its session was lost and regained between two looks.
    bench.leader.agents_read({"me": ME, "b": replace(ME, plan=0)}, bench.now, SESSION_TIMEOUT_S)
    again = bench.decide()
    assert again == bench.leader.standing
    bench.leader.plan_read(again, MZXID + 1)
    assert bench.decide() is None
    due = bench.leader.next_deadline()
    assert due is not None
    assert due > bench.now
    bench.now = due
    assert bench.decide() == again
    bench.leader.plan_read(again, MZXID + 2)
    bench.mine = replace(bench.mine, plan=MZXID + 2)
    bench.leader.agents_read({"me": ME, "b": replace(ME, plan=MZXID + 2)}, bench.now, SESSION_TIMEOUT_S)
    bench.now += 100

    assert bench.decide() is None
    assert bench.leader.next_deadline() is None


@pytest.mark.parametrize("policy", list(OnPartition))
def test_when_all_agents_drain_there_is_nothing_to_hand_over_and_all_may_end(policy: OnPartition) -> None:
    bench = Bench("b", on_partition=policy)
    bench.settle()
    bench.mine = replace(ME, draining=True, running=5)
    bench.leader.agents_read(dict.fromkeys(["me", "b"], bench.mine), bench.now, SESSION_TIMEOUT_S)

    assert bench.settle().shares == {"me": 0, "b": 0}
    assert not [order for order in bench.orders if isinstance(order, Warn)]


def test_an_agent_that_is_alone_hands_nothing_over() -> None:
    bench = Bench()
    bench.settle()
    bench.mine = replace(ME, draining=True)

    assert bench.decide() is None


def test_people_are_told_once_that_the_agents_take_too_few() -> None:
    bench = Bench(target=10)
    bench.mine = replace(ME, capacity=4)
    told: list[Action] = []
    for target in (10, 10, 4, 7):
        bench.leader.target_read(target)
        bench.decide()
        told += [order for order in bench.orders if isinstance(order, Warn)]

    assert told == [Warn(f"{n} workers more than all agents take (--capacity): start another agent") for n in (6, 3)]


# ---- in general


COUNTS = st.integers(0, 5)
ENTRIES = st.none() | st.builds(
    AgentEntry, st.just("h"), st.just(1), st.just("1"), unregistered=COUNTS, departed=COUNTS, draining=st.booleans()
)
POOLS = st.dictionaries(st.sampled_from(["b", "c", "d"]), ENTRIES)
CHILDREN = st.frozensets(
    st.integers(0, 9).map(lambda n: anonymous(str(n)))
    | st.tuples(st.sampled_from(["b", "c", "d", "me"]), st.integers(0, 3)).map(lambda w: identified(f"{w[0]}-{w[1]}-u"))
)
STEPS = st.lists(POOLS | CHILDREN | st.integers(0, 12) | st.floats(0, 5) | st.none(), max_size=20)


@given(STEPS)
def test_whatever_happens_the_plan_settles_and_adds_up(steps: list[object]) -> None:
    bench = Bench()
    for step in steps:
        match step:
            case dict():
                bench.leader.agents_read({"me": ME, **step}, bench.now, SESSION_TIMEOUT_S)
            case frozenset():
                bench.children = set(step)
                bench.look()
            case int():
                bench.leader.target_read(step)
            case float():
                bench.wait(step)
            case _:
                bench.leader.plan_read(None, MZXID)
    bench.wait(10 * GRACE_S)
    plan = bench.settle()

    live = {agent: entry for agent, entry in (bench.leader.agents or {}).items() if agent != "me"}
    ids = {child.worker for child in bench.children if child.worker and child.worker.split("-")[0] not in {"me", *live}}
    unnamed = sum(child.worker is None for child in bench.children)
    explained = sum(entry.unregistered + entry.departed for entry in live.values() if entry)
    assert plan.foreign == len(ids) + max(0, unnamed - explained)
    assert sum(plan.shares.values()) == max(0, plan.target - plan.foreign)
    assert set(plan.shares) == {"me", *live}
    assert bench.leader.next_deadline() is None


# ---- how far it goes


def test_a_million_workers_on_ten_thousand_agents_take_less_than_a_second() -> None:
    """One agent is lost, and its hundred workers move; nobody else's do."""
    agents = {"me": ME} | {f"host{number:05}-abcdef": ME for number in range(9_999)}
    running = {agent: replace(ME, share=100, running=100) for agent in agents}
    orders: list[Action] = []
    leader = Leader(PoolSpec("default", 10), "me", orders.append)
    leader.won(EPOCH)
    leader.target_read(1_000_000)
    leader.children_read(tuple(Child(w, w) for agent in agents for w in [f"{agent}-0-x"]), 1000.0)
    leader.plan_read(Plan(EPOCH, "me", 1_000_000, 0, dict.fromkeys(agents, 100)), MZXID)
    leader.agents_read(running, 1000.0, SESSION_TIMEOUT_S)
    leader.decide(running["me"], 1000.0)
    assert orders == []
    lost = "host04711-abcdef"
    began = thread_time()
    leader.agents_read({a: entry for a, entry in running.items() if a != lost}, 1001.0, SESSION_TIMEOUT_S)
    leader.children_read(tuple(Child(w, w) for agent in agents for w in [f"{agent}-0-x"] if agent != lost), 1001.0)
    leader.decide(running["me"], 1001.0)
    took_s = thread_time() - began

    (write,) = [order for order in orders if isinstance(order, WritePlan)]
    assert sum(write.plan.shares.values()) == 1_000_000
    assert min(write.plan.shares.values()) == 100
    assert sum(share - 100 for share in write.plan.shares.values()) == 100
    assert took_s < 1


def test_another_policy_is_warned_of_and_again_by_the_next_leader() -> None:
    """Once while nothing changes; an agent of an older version, which does not say, has none."""
    bench = Bench("same", "stops", "older")
    mine = policy_of(PoolSpec("default", 10))
    entries = {
        "me": replace(ME, policy=mine),
        "same": replace(ME, policy=mine),
        "stops": replace(ME, policy={**mine, "on-partition": "stop", "later": "x"}),
        "older": ME,
    }
    said: list[list[str]] = []

    def look() -> None:
        bench.orders.clear()
        bench.leader.agents_read(dict(entries), bench.now, SESSION_TIMEOUT_S)
        said.append([order.text for order in bench.orders if isinstance(order, Warn)])

    look()
    look()
    entries["same"] = replace(ME, policy={**mine, "registration": "self", "restart": "never"})
    look()
    bench.leader.lost()
    bench.orders.clear()
    bench.leader.won(EPOCH + 1)
    said.append([order.text for order in bench.orders if isinstance(order, Warn)])

    stops = "agent stops has --on-partition stop and not keep: give all agents of a pool the same"
    same = (
        "agent same has --registration self and not auto, --restart never and not always: "
        "give all agents of a pool the same"
    )
    assert said == [[stops], [], [same], [same, stops]]


def test_a_refusal_is_told_again_by_the_next_leader() -> None:
    """Whoever leads has to say that the plan cannot be written: the former leader's words were on another host."""
    bench = Bench()
    said = []
    for _ in range(2):
        bench.leader.won(EPOCH)
        for _ in range(3):
            bench.orders.clear()
            bench.leader.plan_refused(bench.now, "no right")
            said.append([order.text for order in bench.orders if isinstance(order, Warn)])

    assert said == [["no right; the former plan stands"], [], []] * 2


def test_who_was_told_to_shrink_is_not_counted_on() -> None:
    """It may have fewer by now than it said last; who has any to spare keeps them until all run elsewhere."""
    bench = Bench("b", "c", "d", target=9)
    for agent in ("me", "b", "c"):
        bench.agents[agent] = replace(ME, running=3, share=3)
    bench.agents["d"] = replace(ME, running=4)  # the plan took it for gone, and its workers for nobody's
    bench.mine = replace(ME, running=3, share=3)
    bench.leader.agents_read(dict(bench.agents), bench.now, SESSION_TIMEOUT_S)
    bench.leader.plan_read(Plan(EPOCH, "me", 9, 4, {"me": 1, "b": 2, "c": 2}), MZXID)

    plan = bench.decide()

    assert plan is not None
    assert plan.shares["d"] == 4


def test_a_worker_that_is_registered_under_two_names_is_there_until_both_are_gone() -> None:
    bench = Bench()
    own, other = identified("me-0-n1"), Child("another", "me-0-n1")
    bench.come(own, other)
    bench.go(other)
    assert bench.leader.registered.names_of("me") == ["me-0-n1"]
    bench.go(own)

    assert bench.leader.registered.names_of("me") == []
