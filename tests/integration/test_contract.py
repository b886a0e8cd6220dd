"""What other programs rely on: the fields of status and events, exit codes, one line on stderr for an error."""

from __future__ import annotations

import json
import re
import signal
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.support.pools import Json, Pool
from tests.support.processes import Processes, eventually

STATUS = {
    "pool",
    "zookeeper",
    "connected",
    "target",
    "running",
    "registered",
    "foreign",
    "leader",
    "epoch",
    "agents",
    "workers",
    "spares",
    "done",
    "rollout",
    "held",
    "config",
}
AGENT = {"agent", "host", "pid", "share", "running", "draining", "http"}
WORKER = {
    *("worker", "agent", "host", "pid", "slot", "state", "registered", "ready", "restarts", "started", "address"),
    *("revision", "cpu", "rss", "cause", "next_start", "held"),
}
RFC_3339_US = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_status_as_json(pool: Pool) -> None:
    """Exactly the fields of the contract, each with what it should hold; 0 while all is as wanted."""
    pool.run(3)
    pids = pool.until_running(3)
    pool.until_registered(3)
    answer = pool.call("status", "--json")
    status = json.loads(answer.stdout)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert status.keys() == STATUS
    assert (status["pool"], status["connected"], status["target"]) == ("default", True, 3)
    assert (status["running"], status["registered"], status["foreign"]) == (3, 3, 0)
    assert re.fullmatch(re.escape(pool.zk) if pool.zk else r"127\.0\.0\.1:\d+", status["zookeeper"])
    (agent,) = status["agents"]
    assert agent.keys() == AGENT
    assert (agent["pid"], agent["share"], agent["running"], agent["draining"]) == (pool.agent.pid, 3, 3, False)
    assert status["leader"] == agent["agent"]
    assert type(status["epoch"]) is int
    assert {worker["slot"]: worker["pid"] for worker in status["workers"]} == pids
    for worker in status["workers"]:
        assert worker.keys() == WORKER
        assert worker["worker"].startswith(f"{agent['agent']}-{worker['slot']}-")
        assert (worker["agent"], worker["host"]) == (agent["agent"], agent["host"])
        assert (worker["state"], worker["registered"], worker["restarts"]) == ("running", True, 0)
        assert datetime.fromisoformat(worker["started"]).tzinfo is not None
        assert worker["rss"] > 0  # measured because somebody asks
        assert 0 <= worker["cpu"] < 8


def test_status_from_zookeeper_alone(real_pool: Pool) -> None:
    """On another host there is nobody to ask but ZooKeeper; it says the same."""
    real_pool.run(3, options=["--registration", "agent"])
    pids = real_pool.until_running(3)
    real_pool.until_registered(3)
    eventually(lambda: real_pool.status()["agents"][0]["running"] == 3)
    elsewhere = ("--state-dir", str(real_pool.processes.directory / "elsewhere"))
    status, local = json.loads(real_pool.call("status", "--json", *elsewhere).stdout), real_pool.status()

    assert status.keys() == STATUS
    assert {**status, "workers": None} == {**local, "workers": None}
    assert {worker["slot"]: worker["pid"] for worker in status["workers"]} == pids
    assert all(worker.keys() == WORKER for worker in status["workers"])


def test_status_tells_when_too_few_run(embedded_pool: Pool) -> None:
    """Exit code 6, and the state of each slot."""
    embedded_pool.run(2, "sh", "-c", "exit 1", options=["--backoff-max", "1000", "--stable-after", "1000"])
    found: list[Json] = []

    def all_wait() -> bool:
        """By and by they wait so long that a command finds all of them waiting."""
        answer = embedded_pool.call("status", "--json")
        found[:] = json.loads(answer.stdout)["workers"] if answer.stdout else []
        return answer.returncode == 6 and bool(found) and all(worker["state"] == "backoff" for worker in found)

    eventually(all_wait, 60.0)
    in_words = embedded_pool.call("status")

    assert in_words.returncode == 6
    for worker in found:
        assert (worker["worker"], worker["pid"], worker["started"], worker["registered"]) == (None, None, None, False)
    assert "0 of 2 running" in in_words.stdout


@pytest.mark.parametrize("command", ["status", "scale 3", "stop", "kill 0", "events", "events -f", "logs", "logs -f"])
@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_where_no_agent_runs(processes: Processes, zk_hosts: str, command: str, where: str) -> None:
    """Exit code 3 and one line on stderr that says what to do."""
    zk = ("--zk", zk_hosts) if where == "elsewhere" else ()
    answer = processes.run_autohealer(*command.split(), *zk)

    assert answer.returncode == 3
    assert answer.stdout == ""
    assert re.fullmatch(r"error: no agent runs pool default .+; start one with: .+\n", answer.stderr)


def test_events_of_a_life(pool: Pool) -> None:
    """Each kind with its fields, and time in UTC with microseconds; on disk, by the command and on stdout alike."""
    pool.run(2, "sh", "-c", "echo to be read; sleep 0.1; exit 3", options=["--json", "--stable-after", "1000"])
    pool.until_event("worker.backoff", slot=0)
    pool.until_event("worker.backoff", slot=1)
    told = pool.call("events", "--json")
    assert told.returncode == 0
    assert pool.stop() == 0
    events = pool.events()

    assert [json.loads(line) for line in told.stdout.splitlines()] == events[: told.stdout.count("\n")]
    assert [json.loads(line) for line in pool.said().splitlines()] == events
    assert all(RFC_3339_US.fullmatch(event["time"]) for event in events)
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert all(later - earlier > timedelta(milliseconds=-1) for earlier, later in pairwise(times))
    assert {
        "worker.started",
        "worker.exited",
        "worker.backoff",
        "agent.joined",
        "agent.draining",
        "leader.elected",
        "plan.changed",
        "target.changed",
        "zookeeper.connected",
    } <= {event["event"] for event in events}
    for event in events:
        if event["event"].startswith("worker."):
            assert {"worker", "pid", "slot"} <= event.keys()
    first, second = pool.events("worker.started", slot=0)[:2]
    assert "heal_ms" not in first
    assert 0 < second["heal_ms"] < 5000
    exited = pool.events("worker.exited", slot=0)[0]
    assert (exited["worker"], exited["pid"]) == (first["worker"], first["pid"])
    assert (exited["code"], exited["signal"]) == (3, None)
    assert 0.05 <= exited["uptime"] < 5
    backoff = pool.events("worker.backoff", slot=0)[0]
    assert backoff["output"][-1] == "to be read"
    assert backoff["delay"] > 0


def test_how_a_stopped_and_a_killed_worker_ended(pool: Pool) -> None:
    """Signals by their names; who ends as asked is stopped, not exited; and its registration made it ready."""
    pool.run(1)
    (victim,) = pool.until_running(1).values()
    pool.until_event("worker.ready", pid=victim)
    assert pool.call("kill", "0").returncode == 0
    (heir,) = pool.until_running(1).values()
    assert pool.stop() == 0

    (exited,), (stopped,) = pool.events("worker.exited"), pool.events("worker.stopped")
    assert (exited["pid"], exited["code"], exited["signal"]) == (victim, None, "SIGKILL")
    assert (stopped["pid"], stopped["code"], stopped["signal"]) == (heir, None, "SIGTERM")


def test_scale_up_and_down(pool: Pool) -> None:
    """It waits until it is done, the surplus goes from the highest slot down, and nobody else is touched."""
    pool.run(3)
    three = pool.until_running(3)
    up = pool.call("scale", "5")
    five = pool.pids()
    down = pool.call("scale", "2")
    two = pool.until_running(2)

    assert (up.returncode, up.stdout, up.stderr) == (0, "5 workers run\n", "")
    assert {slot: five[slot] for slot in three} == three
    assert (down.returncode, down.stdout) == (0, "2 workers run\n")
    assert two == {0: three[0], 1: three[1]}
    eventually(lambda: [event["target"] for event in pool.events("target.changed")] == [3, 5, 2])


def test_scale_to_nothing_and_back(pool: Pool) -> None:
    """A pool of no workers is a pool; ``--no-wait`` returns before it is done."""
    pool.run(1)
    pool.until_running(1)
    assert pool.call("scale", "0").returncode == 0
    pool.until_running(0)
    assert pool.call("status", "--json").returncode == 0
    asked = pool.call("scale", "2", "--no-wait")
    assert (asked.returncode, asked.stdout) == (0, "")
    pool.until_running(2)


def test_kill_one(pool: Pool) -> None:
    """By its slot or its id; it waits for the replacement; a worker that is not there is a usage error."""
    pool.run(2)
    former = pool.until_running(2)
    by_slot = pool.call("kill", "1")
    pids = pool.until_replaced(former, [1])
    worker = pool.workers()[0]["worker"]
    by_id = pool.call("kill", worker, "--no-wait")
    pool.until_replaced(pids, [0])
    nobody = pool.call("kill", "7")

    assert by_slot.returncode == by_id.returncode == 0
    assert f"(pid {former[1]})" in by_slot.stdout
    assert f"(pid {pids[1]}) runs in its place" in by_slot.stdout
    assert nobody.returncode == 2
    assert re.fullmatch(r"error: there is no worker 7; .+\n", nobody.stderr)


def test_stop_from_another_terminal(pool: Pool) -> None:
    """The agent ends as if by a signal; who asked waits for that, and an agent told twice is not confused."""
    pool.run(3)
    pool.until_running(3)
    answer = pool.call("stop")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "pool default is stopped\n", "")
    assert pool.processes.alive() in ([], [pool.agent.pid])  # it has let go of the pool, and is about to end
    assert pool.ended() == 0
    assert pool.events("agent.draining")[0]["cause"] == "autohealer stop"
    assert pool.call("stop").returncode == 3


def test_a_second_run(pool: Pool) -> None:
    """Exit code 5, one line; the first one is not disturbed."""
    agent = pool.run(1)
    pids = pool.until_running(1)
    second = pool.processes.run_autohealer("run", "1", *pool.where, "--", "sleep", "1000")

    assert second.returncode == 5
    assert re.fullmatch(rf"error: pool default is already run from \S+ by pid {agent.pid}; .+\n", second.stderr)
    assert pool.until_running(1) == pids


def test_events_are_followed(embedded_pool: Pool) -> None:
    """``events -f`` goes on with what happens next, in words or as JSON; a line is not split."""
    embedded_pool.run(1)
    (pid,) = embedded_pool.until_running(1).values()
    start = embedded_pool.processes.autohealer
    followers = [start("events", "-f", output="words"), start("events", "-f", "--json", output="json")]
    read = embedded_pool.processes.read
    eventually(lambda: "target: 1 workers" in read("words") and "target.changed" in read("json"))
    assert embedded_pool.call("kill", "0").returncode == 0
    eventually(lambda: f"(pid {pid}) was killed by SIGKILL" in read("words"))
    eventually(lambda: any(e["event"] == "worker.exited" and e["pid"] == pid for e in _lines(read("json"))))
    for follower in followers:
        follower.send_signal(signal.SIGINT)
        assert follower.wait(10) == 130
    assert "Traceback" not in read("words") + read("json")


def test_the_last_events(embedded_pool: Pool) -> None:
    """``-n`` shows so many."""
    embedded_pool.run(1)
    embedded_pool.until_running(1)
    embedded_pool.until_registered(1)
    last = embedded_pool.call("events", "--json", "-n", "2").stdout.splitlines()
    assert [json.loads(line) for line in last] == embedded_pool.events()[-2:]
    assert embedded_pool.call("events", "-n", "0").stdout == ""


def test_logs(embedded_pool: Pool) -> None:
    """What workers wrote, of one or of all; nothing that a terminal would obey."""
    script = r'printf "hello from {slot}\033[2J\n"; printf "to stderr\n" >&2; exec sleep 1000'
    embedded_pool.run(2, "sh", "-c", script)
    embedded_pool.until_running(2)
    eventually(lambda: embedded_pool.call("logs", "1").stdout.count("\n") == 2)
    worker = embedded_pool.workers()[1]["worker"]

    assert embedded_pool.call("logs", "1").stdout == "hello from 1\nto stderr\n"
    assert embedded_pool.call("logs", worker, "-n", "1").stdout == "to stderr\n"
    everyone = embedded_pool.call("logs")
    assert "   0 | hello from 0\n" in everyone.stdout
    assert "   1 | hello from 1\n" in everyone.stdout
    absent = embedded_pool.call("logs", "7")
    assert (absent.returncode, absent.stderr.count("\n")) == (2, 1)


def test_logs_are_followed(embedded_pool: Pool) -> None:
    """``logs -f`` goes on, over the death of a worker, too, and with slots that are new."""
    embedded_pool.run(1, "sh", "-c", "echo started as $$; exec sleep 1000")
    former = embedded_pool.until_running(1)
    follower = embedded_pool.processes.autohealer("logs", "-f", output="followed")
    read = embedded_pool.processes.read
    eventually(lambda: f"   0 | started as {former[0]}\n" in read("followed"))
    assert embedded_pool.call("kill", "0").returncode == 0
    pids = embedded_pool.until_replaced(former, [0])
    eventually(lambda: f"   0 | started as {pids[0]}\n" in read("followed"))
    assert embedded_pool.call("scale", "2").returncode == 0
    eventually(lambda: f"   1 | started as {embedded_pool.pids()[1]}\n" in read("followed"))
    follower.send_signal(signal.SIGTERM)
    follower.wait(10)


def test_a_pool_of_another_name(processes: Processes, embedded_pool: Pool) -> None:
    """The only pool that runs here is meant where none is named; its layout is under /pools/NAME."""
    named = Pool(processes, None, embedded_pool.connect, name="other")
    named.run(1)
    named.until_running(1)
    client = named.client()
    assert client.exists("/pools/other/workers")
    assert client.exists("/pools/other/autohealer/plan")
    answer = processes.run_autohealer("status", "--json")
    assert json.loads(answer.stdout)["pool"] == "other"
    assert processes.run_autohealer("status", "--pool", "default").returncode == 3
    assert processes.run_autohealer("stop").returncode == 0
    assert named.ended() == 0


def _lines(text: str) -> list[Json]:
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
