"""Several pools in one agent process: one fails, ends or crash-loops, and the others do not notice."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.processes import Processes, eventually

PROGRAM = """
import json, sys
from autohealer.config.schema import AgentOptions, Configuration, PoolOptions
from autohealer.coordination.session.access import PLAIN
from autohealer.core.notices import fields_of
from autohealer.errors import AutohealerError
from autohealer.runtime.agent_process import Audience, run_agent

def say(text):
    print("warning:", text, flush=True)

def pool(name, workers, *command, **more):
    return PoolOptions(pool=name, workers=workers, register_grace=0.3, command=command, **more)

pools = tuple(pool(*args, **more) for args, more in json.loads(sys.argv[1]))
asked = Configuration(agent=AgentOptions(state_dir=sys.argv[2]), pools=pools)
try:
    code = run_agent(asked, PLAIN, Audience(lambda event: print(json.dumps(fields_of(event)), flush=True), say))
except AutohealerError as error:
    print("error:", error, flush=True)
    code = error.exit_code
sys.exit(code)
"""
SLEEP = ("sleep", "1000")


class Agent:
    """A process of several pools, and what it prints."""

    def __init__(self, processes: Processes, *pools: tuple[tuple[object, ...], dict[str, object]]) -> None:
        self._processes = processes
        self.process = processes.start(sys.executable, "-c", PROGRAM, json.dumps(pools), processes.state_dir)

    def said(self) -> str:
        return self._processes.read()

    def events(self, kind: str, **fields: object) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith("{") and line.endswith("}")]
        return [e for e in lines if e["event"] == kind and all(e.get(k) == v for k, v in fields.items())]

    def until_started(self, pool: str, count: int) -> list[int]:
        """Wait until so many workers of the pool were started; their pids."""
        found = eventually(
            lambda: [e for e in [self.events("worker.started", pool=pool)] if len(e) >= count], 60, self.said()
        )
        return [int(str(event["pid"])) for event in found[0]]

    def ended(self) -> int:
        return self.process.wait(60)


def pool(name: str, workers: int, *command: str, **more: object) -> tuple[tuple[object, ...], dict[str, object]]:
    return (name, workers, *command), more


def test_two_pools_share_a_server_and_end_together(processes: Processes) -> None:
    """Each heals its own; one signal ends both, with 0, and nothing is left."""
    agent = Agent(processes, pool("web", 2, *SLEEP), pool("queue", 1, *SLEEP))
    web, queue = agent.until_started("web", 2), agent.until_started("queue", 1)
    os.kill(web[0], signal.SIGKILL)
    agent.until_started("web", 3)
    os.kill(queue[0], signal.SIGKILL)
    agent.until_started("queue", 2)
    assert len(agent.events("worker.exited")) == 2
    servers = {json.loads((processes.state_dir / name / "ledger").read_text().splitlines()[0])["server_port"]
               for name in ("web", "queue") if (processes.state_dir / name / "ledger").stat().st_size}  # fmt: skip
    assert len(servers) == 1
    assert (processes.state_dir / ".server" / "journal").is_dir()
    agent.process.send_signal(signal.SIGTERM)
    assert agent.ended() == 0
    assert processes.alive() == []


def test_commands_of_another_terminal_find_each_pool(processes: Processes) -> None:
    """By its name; each has its own status."""
    agent = Agent(processes, pool("web", 2, *SLEEP), pool("queue", 1, *SLEEP))
    agent.until_started("web", 2), agent.until_started("queue", 1)

    def running(name: str) -> object:
        answer = processes.run_autohealer("status", "--pool", name, "--json")
        return json.loads(answer.stdout)["running"] if answer.stdout else None

    eventually(lambda: (running("web"), running("queue")) == (2, 1), 60)
    assert processes.run_autohealer("scale", "3", "--pool", "queue").returncode == 0
    assert (running("web"), running("queue")) == (2, 3)
    assert processes.run_autohealer("stop", "--pool", "web").returncode == 0
    eventually(lambda: running("queue") == 3 and len(processes.alive()) == 4, 60)
    assert agent.process.poll() is None
    assert processes.run_autohealer("stop", "--pool", "queue").returncode == 0
    assert agent.ended() == 0


def test_a_pool_that_cannot_start_ends_its_runner_alone(processes: Processes) -> None:
    """It is said; the others go on; the exit code is the highest."""
    agent = Agent(processes, pool("bad", 1, "/no/such/program"), pool("good", 1, *SLEEP))
    agent.until_started("good", 1)
    assert "warning: pool bad: command not found: /no/such/program; the other pools go on" in agent.said()
    agent.process.send_signal(signal.SIGTERM)
    assert agent.ended() == 2


def test_a_pool_that_gives_up_ends_its_runner_alone(processes: Processes) -> None:
    """The process goes on with the others, and ends with its exit code."""
    agent = Agent(processes, pool("bad", 1, "false", max_failures=2), pool("good", 1, *SLEEP))
    eventually(lambda: "warning: pool bad: the worker in slot 0 failed 2 times in a row" in agent.said(), 60)
    pids = agent.until_started("good", 1)
    os.kill(pids[0], signal.SIGKILL)
    agent.until_started("good", 2)
    agent.process.send_signal(signal.SIGTERM)
    assert agent.ended() == 4


def test_a_pool_that_another_agent_runs(processes: Processes) -> None:
    """The others go on; 5 is the exit code of the whole."""
    first = Agent(processes, pool("web", 1, *SLEEP))
    eventually(lambda: first.said().count("worker.started") == 1, 60)
    second = processes.start(
        sys.executable, "-c", PROGRAM, json.dumps([pool("web", 1, *SLEEP), pool("other", 1, *SLEEP)]),
        processes.state_dir, output="second",
    )  # fmt: skip
    eventually(lambda: "worker.started" in processes.read("second"), 60)
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 5
    first.process.send_signal(signal.SIGTERM)
    assert first.ended() == 0


def test_nothing_that_can_start_is_an_error(processes: Processes) -> None:
    """Nobody stays behind to run nothing."""
    agent = Agent(processes, pool("bad", 1, "/no/such/program"), pool("worse", 1, "/no/such/program/either"))
    assert agent.ended() == 2
    assert "error: command not found" in agent.said()


def test_workers_of_pools_have_their_own_directories(processes: Processes, tmp_path: Path) -> None:
    """Whoever was started last, each worker begins in its pool's directory."""
    places = {name: tmp_path / name for name in ("one", "two")}
    for place in places.values():
        place.mkdir()
    agent = Agent(processes, *(pool(name, 2, *SLEEP, cwd=str(place)) for name, place in places.items()))
    for name, place in places.items():
        os.kill(agent.until_started(name, 2)[0], signal.SIGKILL)
        pids = agent.until_started(name, 3)[1:]
        assert [str(Path(f"/proc/{pid}/cwd").readlink()) for pid in pids] == [str(place)] * 2


@pytest.mark.parametrize("kill_first", ["web", "queue"])
def test_workers_of_all_pools_are_adopted(processes: Processes, kill_first: str) -> None:
    """The process is killed; the next one takes over all workers of all pools, one dead one is replaced."""
    pools = pool("web", 2, *SLEEP), pool("queue", 2, *SLEEP)
    first = Agent(processes, *pools)
    pids = {name: first.until_started(name, 2) for name in ("web", "queue")}
    first.process.kill()
    first.process.wait()
    os.kill(pids[kill_first][0], signal.SIGKILL)
    second = Agent(processes, *pools)
    eventually(lambda: len(second.events("worker.adopted")) == 3, 60)
    second.until_started(kill_first, 3)
    second.process.send_signal(signal.SIGTERM)
    assert second.ended() == 0
    assert processes.alive() == []


def test_a_pool_that_cannot_listen_to_its_workers_says_so_and_runs(processes: Processes) -> None:
    """What goes wrong while a pool's parts are made is told like any other warning."""
    in_the_way = processes.state_dir / "web" / "notify.sock"
    in_the_way.mkdir(parents=True, mode=0o700)
    agent = Agent(processes, pool("web", 1, *SLEEP))
    eventually(lambda: f"warning: cannot listen to what workers say at {in_the_way}" in agent.said(), 60, agent.said())
    eventually(lambda: agent.events("worker.started"), 60, agent.said())
    agent.process.send_signal(signal.SIGTERM)

    assert agent.ended() == 0
