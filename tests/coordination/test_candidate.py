"""Candidates of one path: the end of a leader stirs one of them, and the others find out by themselves."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable

from kazoo.client import KazooClient

from autohealer.coordination.election.candidate import Candidate
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.scheduler import Scheduler
from tests.support.processes import POLL_S, Processes, eventually
from tests.support.real_zookeeper import RealZooKeeper, four_letter_word

MANY = 20
TIMEOUT_S = 2.0
PATH = "/elect/many"


class Watched:
    """A candidate, and what it was told."""

    def __init__(self, hosts: str, number: int) -> None:
        loop = asyncio.get_running_loop()
        self.name = f"candidate-{number}"
        self.epochs: list[int] = []
        self.leaders: list[str] = []
        self.proofs: list[tuple[int, float]] = []
        self.losses = 0
        self.candidate = Candidate(
            Ensemble(hosts, TIMEOUT_S),
            PATH,
            self.name,
            observer=self,
            scheduler=Scheduler(loop.call_soon_threadsafe, loop.call_later),
        )
        self.candidate.connect()

    def connected(self, session_timeout: float) -> None:
        assert session_timeout == TIMEOUT_S

    def disconnected(self) -> None:
        raise AssertionError("nobody has cut the connection")

    def won(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def lost(self) -> None:
        self.losses += 1

    def proven(self, epoch: int, asked_at: float) -> None:
        self.proofs.append((epoch, asked_at))

    def led_by(self, name: str) -> None:
        self.leaders.append(name)

    def denied(self, what: str) -> None:
        raise AssertionError(what)


async def until(condition: Callable[[], object]) -> None:
    """Wait for it, in the loop."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - there is nothing else to wait for
            await asyncio.sleep(POLL_S)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()

    asyncio.run(told())


def watch_events(server: RealZooKeeper) -> int:
    """How many watch events the server has sent so far, of all kinds."""
    port = int(server.hosts.rpartition(":")[2])
    sums = re.findall(r"zk_sum_node_\w+_watch_count\t(\d+)", four_letter_word(port, "mntr"))
    assert len(sums) == 4
    return sum(map(int, sums))


def test_the_end_of_a_leader_wakes_one_of_many(
    real_zookeeper: RealZooKeeper, zk_hosts: str, processes: Processes
) -> None:
    leader = processes.autohealer("elect", PATH, "--zk", zk_hosts, "--session-timeout", str(TIMEOUT_S), "--json")
    eventually(lambda: "elected" in processes.read())

    async def story() -> None:
        others = [Watched(zk_hosts, number) for number in range(MANY - 1)]
        await until(lambda: all(other.leaders for other in others))
        before = watch_events(real_zookeeper)
        leader.send_signal(signal.SIGKILL)
        await until(lambda: any(other.epochs for other in others))
        (heir,) = (other for other in others if other.epochs)
        await until(lambda: all(heir.name in other.leaders for other in others if other is not heir))
        events = watch_events(real_zookeeper) - before
        for other in others:
            other.candidate.close(withdraw=True)

        assert events == 1
        assert heir.name not in heir.leaders

    run(story)


def test_a_proof_is_of_the_node_that_stands(zookeeper_hosts: str, connect: Callable[[str], KazooClient]) -> None:
    client = connect(zookeeper_hosts)

    async def story() -> None:
        one = Watched(zookeeper_hosts, 1)
        await until(lambda: one.epochs)
        one.candidate.prove(one.epochs[0], 12.5)
        await until(lambda: one.proofs)
        assert one.proofs == [(one.epochs[0], 12.5)]

        (node,) = await asyncio.to_thread(client.get_children, PATH)
        assert (await asyncio.to_thread(client.get, f"{PATH}/{node}"))[1].version == 0  # it leaves no trace
        await asyncio.to_thread(client.delete, f"{PATH}/{node}")
        one.candidate.prove(one.epochs[0], 13)
        await until(lambda: len(one.epochs) == 2)
        one.candidate.close(withdraw=True)

        assert one.losses
        assert one.epochs[1] > one.epochs[0]
        assert len(one.proofs) == 1

    run(story)


def test_other_programs_candidates_are_waited_for(zookeeper_hosts: str, connect: Callable[[str], KazooClient]) -> None:
    client = connect(zookeeper_hosts)
    client.create(f"{PATH}/theirs__lock__", b"", ephemeral=True, sequence=True, makepath=True)
    client.create(f"{PATH}/not-a-candidate")

    async def story() -> None:
        one = Watched(zookeeper_hosts, 1)
        await until(lambda: one.leaders)
        assert one.leaders == ["theirs__lock__0000000000"]
        assert not one.epochs

        await asyncio.to_thread(client.delete, f"{PATH}/theirs__lock__0000000000")
        await until(lambda: one.epochs)
        one.candidate.close(withdraw=True)

    run(story)
