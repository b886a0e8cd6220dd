"""ZooKeeper goes away, loses what it held, or holds what makes no sense: no worker is stopped or started for it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError, NotEmptyError

from autohealer.runtime.ledger import Ledger
from tests.support.pools import Pool
from tests.support.processes import ROOT, Processes, eventually
from tests.support.real_zookeeper import RealZooKeeper

STEADY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none")


@pytest.fixture
def own_zookeeper() -> Iterator[RealZooKeeper]:
    """A real ZooKeeper that this test may kill."""
    with RealZooKeeper() as server:
        yield server


def test_zookeeper_is_killed_and_comes_back(
    processes: Processes, connect: Callable[[str], KazooClient], own_zookeeper: RealZooKeeper
) -> None:
    """Nobody is restarted over it; who dies meanwhile is healed at once; all are registered again soon after."""
    pool = Pool(processes, own_zookeeper.patient_hosts, connect)
    pool.run(4, *STEADY)
    pids = pool.until_running(4)
    pool.until_by_themselves(pool.client())
    own_zookeeper.kill(0)
    pool.until_event("zookeeper.suspended")
    os.kill(pids[2], signal.SIGKILL)
    pids = pool.until_replaced(pids, [2])
    away = pool.call("status", "--json")
    assert (away.returncode, json.loads(away.stdout)["connected"]) == (0, False)
    # Longer than the session of the agent: by its own clock it is over.
    since = time.monotonic()
    eventually(lambda: time.monotonic() > since + 2.5)
    assert pool.until_running(4) == pids
    own_zookeeper.restart(0)
    back = time.time()
    client = pool.client()
    pool.until_by_themselves(client)
    # By the server's clock, which knows better than whoever asks now and then.
    made = [client.get(f"/workers/{name}")[1].created for name in pool.registered(client)]
    assert max(made) - back < 3
    assert pool.until_running(4) == pids
    assert pool.events("worker.faulty") == []
    assert len(pool.events("worker.started")) == 5
    assert pool.stop() == 0


def test_all_registrations_are_deleted_by_hand(pool: Pool) -> None:
    """``/workers`` itself, with all that is in it: it is made again, registrations return, nobody is restarted."""
    pool.run(4, *STEADY)
    pids = pool.until_running(4)
    client = pool.client()
    pool.until_by_themselves(client)

    def wiped() -> bool:
        try:
            for name in pool.registered(client):
                client.delete(f"/workers/{name}")
            client.delete("/workers")
        except (NotEmptyError, NoNodeError):
            return False
        return True

    eventually(wiped)
    # Their sessions live, so the workers see no reason to register again: the agent stands in for them.
    pool.until_registered(4)
    eventually(lambda: len(pool.registered(client)) == 4)
    assert pool.until_running(4) == pids
    assert pool.events("worker.faulty") == []


@pytest.mark.parametrize("command", [("sleep", "1000"), STEADY], ids=["stand-ins", "by themselves"])
def test_the_session_of_the_agent_is_ended_from_outside(pool: Pool, command: tuple[str, ...]) -> None:
    """It goes on in a new one: registered and leading as before, its workers the same."""
    pool.run(3, *command)
    pids = pool.until_running(3)
    client = pool.client()
    pool.until_registered(3)
    epoch = pool.status()["epoch"]
    ledger = Ledger.read(pool.ledger())
    assert ledger is not None
    assert ledger.facts.session_id is not None
    assert ledger.facts.session_password is not None
    session = (ledger.facts.session_id, bytes.fromhex(ledger.facts.session_password))
    thief = KazooClient(hosts=str(pool.status()["zookeeper"]), client_id=session)
    thief.start()
    thief.stop()
    thief.close()
    pool.until_event("zookeeper.lost")
    pool.until_registered(3)
    eventually(lambda: pool.status()["epoch"] > epoch)
    eventually(lambda: len(pool.registered(client)) == 3)
    assert pool.until_running(3) == pids
    os.kill(pids[0], signal.SIGKILL)
    pool.until_replaced(pids, [0])


@pytest.mark.parametrize("data", [b"\x00\xff" * 50, b"[]", b"", b'{"epoch": 1, "leader": "x", "target": -5}'])
def test_a_plan_that_makes_no_sense_repairs_itself(pool: Pool, data: bytes) -> None:
    """It is written anew, and meanwhile nobody is touched."""
    pool.run(2)
    pids = pool.until_running(2)
    client = pool.client()
    client.set("/autohealer/plan", data)
    eventually(lambda: client.get("/autohealer/plan")[0] != data)
    plan = json.loads(client.get("/autohealer/plan")[0])
    assert plan.keys() == {"epoch", "leader", "target", "foreign", "shares", "turn"}
    assert (plan["target"], list(plan["shares"].values())) == (2, [2])
    assert pool.until_running(2) == pids
    assert pool.call("scale", "3").returncode == 0


def test_odd_data_everywhere(pool: Pool) -> None:
    """Binary, huge, of the wrong form: ignored or counted as foreign, never obeyed; nothing crashes."""
    pool.run(3)
    pids = pool.until_running(3)
    pool.until_registered(3)
    client, huge = pool.client(), b'{"host": "' + b"x" * 500_000 + b'"}'
    client.create("/autohealer/agents/huge", huge, ephemeral=True)
    client.create("/autohealer/agents/binary", b"\x00\xff", ephemeral=True)
    client.create("/autohealer/requests/request-", b"\xff", sequence=True)
    client.create("/autohealer/requests/request-", b'{"verb": "exec", "subject": "x", "expires": 9e9}', sequence=True)
    client.create("/autohealer/requests/junk", huge)
    client.create("/election/junk", b"\xff")
    client.create("/service_registry/junk", b"\xff")
    client.create("/autohealer/junk", huge)
    client.create("/workers/\u202ejunk", b"\xff", ephemeral=True)
    client.create("/workers/persistent", huge)
    client.set("/autohealer/target", b'{"workers": "many"}')
    assert pool.until_running(2) == {slot: pids[slot] for slot in range(2)}
    client.delete("/workers/\u202ejunk")
    pool.until_running(3)
    eventually(lambda: json.loads(client.get("/autohealer/target")[0]) == {"workers": 3})
    for command in ("status", "events", "logs"):
        answer = pool.call(command)
        assert answer.returncode == 0
        assert not set("\u202e\x1b") & set(answer.stdout)
    assert "internal error" not in pool.said()
    assert pool.stop() == 0


@pytest.mark.parametrize("data", [b'{"workers": -1}', b'{"workers": 1e99}', b"\xff", b'{"workers": true}', b"3"])
def test_a_target_that_makes_no_sense(pool: Pool, data: bytes) -> None:
    """What it was stands, and is written again."""
    pool.run(2)
    pids = pool.until_running(2)
    client = pool.client()
    client.set("/autohealer/target", data)
    eventually(lambda: client.get("/autohealer/target")[0] != data)
    assert json.loads(client.get("/autohealer/target")[0]) == {"workers": 2}
    assert pool.until_running(2) == pids


def test_no_zookeeper_at_all(processes: Processes) -> None:
    """Exit code 3 and one line, within the time that was given."""
    begun = time.monotonic()
    answer = processes.run_autohealer(
        "run", "1", "--zk", "127.0.0.1:1", "--connect-timeout", "0.5", "--", "sleep", "1000"
    )
    assert answer.returncode == 3
    assert answer.stdout == ""
    assert answer.stderr.startswith("error: no ZooKeeper answers at 127.0.0.1:1 within 0.5 s; ")
    assert answer.stderr.count("\n") == 1
    assert time.monotonic() - begun < 10
    assert processes.alive() == []


@pytest.mark.parametrize("command", ["status", "stop"])
def test_commands_without_a_zookeeper(processes: Processes, command: str) -> None:
    """Exit code 3 and one line that says what does not answer."""
    answer = processes.run_autohealer(*command.split(), "--zk", "127.0.0.1:1")
    assert answer.returncode == 3
    assert answer.stderr.startswith("error: no ZooKeeper answers at 127.0.0.1:1 within 5 s; ")
    assert answer.stderr.count("\n") == 1
