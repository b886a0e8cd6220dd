"""With `--on-partition stop` never more run than are wanted, however late agents hear of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autohealer.core.actions import Action, DeleteRequest, Warn, WritePlan
from autohealer.core.cluster.leader import Leader
from autohealer.core.model import AgentEntry, OnPartition, Plan, PoolSpec, RevisionEntry
from tests.core.leader_bench import EPOCH, GRACE_S, ME, SESSION_TIMEOUT_S, Bench

AGENTS = ("me", "b", "c")


@dataclass
class Host:
    """An agent that follows some plan: it runs as many as that says, or is on its way there."""

    share: int = 0
    plan: int = 1
    running: int = 0
    said: AgentEntry = field(default_factory=lambda: replace(ME, plan=1))

    def step(self) -> None:
        """Start or stop one worker."""
        self.running += (self.share > self.running) - (self.share < self.running)

    def speak(self) -> AgentEntry:
        """What it says of itself from now on."""
        self.said = replace(ME, plan=self.plan, running=self.running)
        return self.said


class Cluster:
    """A leader and its agents; what each hears, and when, is up to the test."""

    def __init__(self, target: int, **running: int) -> None:
        self.orders: list[Action] = []
        spec = PoolSpec("default", target, register_grace_s=GRACE_S, on_partition=OnPartition.STOP)
        self.leader = Leader(spec, "me", self.orders.append)
        self.hosts = {agent: Host(running.get(agent, 0), running=running.get(agent, 0)) for agent in AGENTS}
        self.now, self.mzxid = 1000.0, 1
        self.plan = Plan(EPOCH, "me", target, 0, {agent: host.share for agent, host in self.hosts.items()})
        for host in self.hosts.values():
            host.speak()
        self.leader.won(EPOCH)
        self.leader.plan_read(self.plan, self.mzxid)
        self.leader.target_read(target)
        self.leader.children_read((), self.now)
        self.look()

    def look(self) -> None:
        """The leader reads what its agents say, and decides; what it writes stands at once."""
        self.now += 1
        said = {agent: host.said for agent, host in self.hosts.items()}
        self.leader.agents_read(said, self.now, SESSION_TIMEOUT_S)
        self.orders.clear()
        self.leader.decide(self.hosts["me"].said, self.now)
        for order in self.orders:
            if isinstance(order, WritePlan):
                self.mzxid += 1
                self.plan = order.plan
                self.leader.plan_read(self.plan, self.mzxid)

    def follow(self, agent: str) -> None:
        """This agent hears of the plan that stands."""
        self.hosts[agent].share, self.hosts[agent].plan = self.plan.shares[agent], self.mzxid

    def settle(self) -> None:
        """Everybody hears of everything, again and again."""
        for _ in range(12):
            for agent, host in self.hosts.items():
                self.follow(agent)
                for _ in range(12):
                    host.step()
                host.speak()
            self.look()

    @property
    def most(self) -> int:
        """So many may run before anybody hears of another plan."""
        return sum(max(host.share, host.running) for host in self.hosts.values())


STEPS = st.lists(
    st.tuples(st.sampled_from(["follow", "step", "speak", "target"]), st.sampled_from(AGENTS), st.integers(0, 9))
    | st.just(("look", "me", 0)),
    max_size=40,
)


@given(st.integers(0, 9), st.lists(st.integers(0, 3), min_size=3, max_size=3), STEPS)
def test_no_more_run_than_are_wanted_and_in_the_end_so_many(
    target: int, running: list[int], steps: list[tuple[str, str, int]]
) -> None:
    cluster = Cluster(target, **dict(zip(AGENTS, running, strict=True)))
    for what, agent, number in steps:
        most = max(target, cluster.most)
        match what:
            case "follow":
                cluster.follow(agent)
            case "step":
                cluster.hosts[agent].step()
            case "speak":
                cluster.hosts[agent].speak()
            case "target":
                cluster.leader.target_read(number)
                target = number
            case _:
                cluster.look()
        assert cluster.most <= most, (what, agent)
    cluster.settle()

    assert sum(host.running for host in cluster.hosts.values()) == target
    assert max(host.running for host in cluster.hosts.values()) - min(h.running for h in cluster.hosts.values()) <= 1


def test_nobody_grows_before_all_others_have_followed() -> None:
    cluster = Cluster(6, me=6)
    cluster.look()
    assert cluster.plan.shares == {"me": 2, "b": 0, "c": 0}
    cluster.follow("me")
    for _ in range(4):
        cluster.hosts["me"].step()
    cluster.hosts["me"].speak()
    cluster.look()
    assert cluster.plan.shares == {"me": 2, "b": 0, "c": 0}
    for agent in "bc":
        cluster.follow(agent)
        cluster.hosts[agent].speak()
    cluster.look()

    assert cluster.plan.shares == {"me": 2, "b": 2, "c": 2}


def test_a_request_makes_the_leader_look_again_and_goes_once_all_have_an_outcome() -> None:
    bench = Bench("b")
    bench.settle()
    done = replace(ME, revision=RevisionEntry(1, "a", outcome="done r1"))
    bench.mine = done
    bench.leader.agents_read({"me": done, "b": done}, bench.now, SESSION_TIMEOUT_S)
    assert bench.decide() is None
    assert bench.orders == []
    bench.leader.request_stands("r1")
    bench.leader.request_stands("r0")
    bench.decide()
    assert bench.orders == [DeleteRequest("r1")]
    bench.leader.request_gone("r1")
    bench.decide()
    assert bench.orders == []
    bench.leader.request_stands("r1")
    bench.decide()
    assert bench.orders == [DeleteRequest("r1")]  # another one, of the same name


def test_only_who_leads_says_that_nothing_is_moved() -> None:
    bench = Bench("b")
    bench.settle()
    bench.orders.clear()
    bench.leader.hold(bench.now + 6, "ZooKeeper was away")
    assert [type(order) for order in bench.orders] == [Warn]
    bench.orders.clear()
    bench.leader.lost()
    bench.leader.hold(bench.now + 6, "ZooKeeper was away")

    assert bench.orders == []
    assert bench.leader.next_deadline() is None
