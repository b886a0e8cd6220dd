"""`elect` on real processes: one leads, its command never runs twice at once, and leadership passes in time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.support.elections import TIMEOUT_S, Election
from tests.support.processes import Processes, command_line, eventually
from tests.support.real_zookeeper import RealZooKeeper

TICK_S = 0.2
PASSES_WITHIN_S = TIMEOUT_S + TICK_S + 0.5


@pytest.fixture
def election(processes: Processes, zookeeper_hosts: str) -> Election:
    """On the embedded server, and on a real ZooKeeper."""
    return Election(processes, zookeeper_hosts)


@pytest.fixture
def real_election(processes: Processes, zk_hosts: str) -> Election:
    """On a real ZooKeeper alone: what does not depend on the server."""
    return Election(processes, zk_hosts)


@pytest.fixture
def own_zookeeper() -> Iterator[RealZooKeeper]:
    """A real server that the test may freeze and kill."""
    with RealZooKeeper() as server:
        yield server


def watchdog_of(pid: int) -> int | None:
    """The watchdog that this candidate has started."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and any(part.endswith("/program.py") for part in command_line(int(path.name))):
            status = (path / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == pid and status[0] != "Z":
                return int(path.name)
    return None


def test_told_to_stop_the_leader_hands_over_at_once(election: Election) -> None:
    first = election.stand("first")
    assert election.leader() == "first"
    second = election.stand("second")
    eventually(lambda: election.said("second"), what="the second to say who leads")
    first.send_signal(signal.SIGINT)
    assert first.wait(20) == 0
    handed_over = time.monotonic()
    assert election.leader(among=("second",)) == "second"
    second.terminate()
    assert second.wait(20) == 0

    election.assert_never_twice()
    assert len(election.lives()) == 2
    assert election.lives()[1].began - handed_over < TIMEOUT_S / 2  # nobody had to wait for the end of a session
    me, other = (election.said(name)[-1]["me"] for name in ("first", "second"))
    assert [(event["event"], event["leader"], event["me"]) for event in election.said("first")] == [
        ("elected", me, me),
        ("deposed", None, me),
    ]
    assert [(event["event"], event["leader"], event["me"]) for event in election.said("second")] == [
        ("leader", me, other),
        ("elected", other, other),
        ("deposed", None, other),
    ]
    assert all(list(event) == ["time", "event", "leader", "me"] for event in election.said("first"))
    assert me.split("-")[-2] == str(first.pid)


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_leader_that_cannot_speak_is_succeeded_when_nothing_of_its_command_is_left(
    election: Election, fate: signal.Signals
) -> None:
    first = election.stand("first", "stubborn", "daemon")
    assert election.leader() == "first"
    election.stand("second")
    eventually(lambda: election.said("second"), what="the second to stand")
    struck = time.monotonic()
    first.send_signal(fate)
    assert election.leader(among=("second",)) == "second"
    if fate == signal.SIGSTOP:
        first.send_signal(signal.SIGCONT)
        eventually(lambda: [event["event"] for event in election.said("first")][-2:] == ["deposed", "leader"])

    election.assert_never_twice()
    former, later = election.lives()
    assert former.ended - struck < TIMEOUT_S
    assert later.began - struck < PASSES_WITHIN_S + 0.5  # a second Python has to start first
    elected = datetime.fromisoformat(election.said("second")[-1]["time"]).timestamp()
    assert elected - (time.time() - time.monotonic()) - struck < PASSES_WITHIN_S


def test_while_zookeeper_is_frozen_nobody_runs(own_zookeeper: RealZooKeeper, processes: Processes) -> None:
    election = Election(processes, own_zookeeper.hosts)
    election.stand("first", "stubborn", "daemon")
    election.stand("second", "stubborn", "daemon")
    election.leader()
    own_zookeeper.pause(0)
    frozen = time.monotonic()
    eventually(lambda: time.monotonic() - election.lives()[0].ended > TIMEOUT_S / 2, what="the end of the command")
    own_zookeeper.resume(0)
    eventually(lambda: len({pid for pid, _, at in election.beats() if at > frozen + TIMEOUT_S}), what="a new term")

    beats = [at for _, _, at in election.beats()]
    silence, since = max((later - sooner, sooner) for sooner, later in pairwise(beats))
    assert silence > TIMEOUT_S / 2
    assert since - frozen < TIMEOUT_S
    assert {pid for pid, _, at in election.beats() if at <= since}.isdisjoint(
        pid for pid, _, at in election.beats() if at > since
    )


def test_an_outage_of_zookeeper_ends_the_command_and_its_return_starts_one(
    own_zookeeper: RealZooKeeper, processes: Processes
) -> None:
    election = Election(processes, own_zookeeper.hosts)
    election.stand("first")
    election.stand("second")
    election.leader()
    own_zookeeper.kill(0)
    killed = time.monotonic()
    eventually(lambda: not any(election.leads(name) for name in election.candidates), what="that nobody leads")
    own_zookeeper.restart(0)
    eventually(lambda: any(at > killed + TIMEOUT_S for _, _, at in election.beats()), what="a new term")

    of_first_term = [at for pid, _, at in election.beats() if pid == election.beats()[0][0]]
    assert max(of_first_term) - killed < TIMEOUT_S
    others = [at for pid, _, at in election.beats() if pid != election.beats()[0][0]]
    assert min(others) > max(of_first_term)


def test_one_whose_node_is_deleted_stops_at_once_and_stands_again(
    real_election: Election, connect: Callable[[str], KazooClient]
) -> None:
    real_election.stand("first", "stubborn")
    real_election.leader()
    client = connect(real_election.zk)
    (node,) = client.get_children("/elect/default")
    deleted = time.monotonic()
    client.delete(f"/elect/default/{node}")
    eventually(lambda: len(real_election.lives()) == 2, what="a second term")

    real_election.assert_never_twice()
    assert real_election.lives()[0].ended - deleted < TIMEOUT_S / 2
    assert [event["event"] for event in real_election.said("first")] == ["elected", "deposed", "elected"]


def test_a_watchdog_that_dies_is_replaced_and_the_command_goes_on(real_election: Election) -> None:
    first = real_election.stand("first", "stubborn")
    real_election.leader()
    watchdog = eventually(lambda: watchdog_of(first.pid))
    assert watchdog is not None
    os.kill(watchdog, signal.SIGKILL)
    another = eventually(lambda: watchdog_of(first.pid) not in {None, watchdog} and watchdog_of(first.pid))
    assert another
    before = len(real_election.beats())
    eventually(lambda: len(real_election.beats()) > before + 10, what="that it goes on")
    assert len(real_election.lives()) == 1
    struck = time.monotonic()
    # It has been told all that the former one knew once it reads orders; and it does before it says that it is ready.
    first.kill()
    eventually(lambda: not watchdog_is_alive(int(another)), what="the end of the watchdog")

    assert real_election.lives()[0].ended - struck < TIMEOUT_S


def watchdog_is_alive(pid: int) -> bool:
    return any(part.endswith("/program.py") for part in command_line(pid))


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 7", 7), ("exit 0", 0), ("kill -KILL $$", 137), ("sleep 1000 & exit 3", 3)],
    ids=["code", "zero", "signal", "with something left"],
)
def test_the_code_of_the_command_is_passed_on(real_election: Election, script: str, code: int) -> None:
    candidate = real_election.start("only", "--", "bash", "-c", script)

    assert candidate.wait(20) == code
    assert [event["event"] for event in real_election.said("only")] == ["elected", "deposed"]
    eventually(lambda: not real_election.processes.alive(), what="that nothing is left")


def test_what_a_command_leaves_ends_with_it_whatever_became_of_its_environment(real_election: Election) -> None:
    candidate = real_election.start("only", "--", "bash", "-c", "env -i sleep 1000 & echo left $!; exit 3")

    assert candidate.wait(20) == 3
    left = next(line for line in real_election.processes.read("only").splitlines() if line.startswith("left"))
    assert command_line(int(left.split()[1])) == []


def test_a_program_without_any_mark_ends_with_the_command_that_launched_it(real_election: Election) -> None:
    """It has neither its session nor its environment, and when the command has been killed, not even its parent."""
    script = "env -i setsid sleep 1000 </dev/null >/dev/null 2>&1 & sleep 0.3; echo left $!; kill -9 $$"
    candidate = real_election.start("only", "--", "bash", "-c", script)

    assert candidate.wait(30) == 137
    left = next(line for line in real_election.processes.read("only").splitlines() if line.startswith("left"))
    assert command_line(int(left.split()[1])) == []


def test_a_second_signal_kills_at_once(real_election: Election, connect: Callable[[str], KazooClient]) -> None:
    script = "trap 'echo asked' TERM; echo began; while :; do sleep 0.02; done"
    candidate = real_election.start("only", "--", "bash", "-c", script)
    eventually(lambda: "began" in real_election.processes.read("only"))
    candidate.send_signal(signal.SIGINT)
    eventually(lambda: "asked" in real_election.processes.read("only"))
    candidate.send_signal(signal.SIGINT)

    assert candidate.wait(20) == 130
    assert connect(real_election.zk).get_children("/elect/default") == []
    eventually(lambda: not real_election.processes.alive(), what="that nothing is left")


def test_the_stop_signal_and_its_timeout_are_obeyed(real_election: Election) -> None:
    script = "trap 'echo had INT; exit 0' INT; trap '' TERM; echo ready; while :; do sleep 0.02; done"
    candidate = real_election.start("only", "--stop-signal", "INT", "--", "bash", "-c", script)
    eventually(lambda: "ready" in real_election.processes.read("only"))
    candidate.terminate()

    assert candidate.wait(20) == 0
    assert "had INT" in real_election.processes.read("only")

    stubborn = real_election.stand("stubborn", "stubborn", options=("--stop-timeout", "0.3"))
    assert real_election.leader(among=("stubborn",))
    asked = time.monotonic()
    stubborn.terminate()
    assert stubborn.wait(20) == 0
    assert 0.3 <= max(at for _, _, at in real_election.beats()) - asked + 0.05 < TIMEOUT_S


def test_without_a_command_it_only_says_who_leads(real_election: Election) -> None:
    first = real_election.start("first", "/elect/other")
    eventually(lambda: real_election.said("first"))
    real_election.start("second", "/elect/other")
    eventually(lambda: real_election.said("second"))
    first.terminate()
    assert first.wait(20) == 0
    eventually(lambda: real_election.leads("second"))

    assert [event["event"] for event in real_election.said("second")] == ["leader", "elected"]


def test_what_the_command_finds_in_its_environment(
    real_election: Election, connect: Callable[[str], KazooClient]
) -> None:
    script = "env | grep ^AUTOHEALER; sleep 1000"
    candidate = real_election.processes.autohealer(
        *("elect", "/elect/a", "--zk", real_election.zk, "--session-timeout", "2", "--", "bash", "-c", script),
        env={"AUTOHEALER_CONNECT_TIMEOUT": "9", "AUTOHEALER_STOP_TIMEOUT": "8"},
    )
    output = eventually(lambda: "AUTOHEALER_EPOCH" in real_election.processes.read() and real_election.processes.read())
    client = connect(real_election.zk)
    (node,) = client.get_children("/elect/a")
    data, stat = client.get(f"/elect/a/{node}")
    found = dict(line.split("=", 1) for line in str(output).splitlines() if line.startswith("AUTOHEALER"))

    assert found == {
        "AUTOHEALER_ZK": real_election.zk,
        "AUTOHEALER_ELECTION": "/elect/a",
        "AUTOHEALER_EPOCH": str(stat.czxid),
        "AUTOHEALER_CANDIDATE": data.decode(),
    }
    assert f"elected: {data.decode()} leads" in str(output)
    candidate.terminate()
    assert candidate.wait(20) == 0
