"""autohealer.worker: what a worker written in Python tells its agent."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Processes, eventually

Messages = list[list[str]]


class Agent:
    """The receiving end: a datagram socket, and a worker that is given its path."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.path = processes.directory / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(20)

    def environment(self) -> dict[str, str]:
        """What an agent gives its worker."""
        return {"NOTIFY_SOCKET": str(self.path), "AUTOHEALER_WORKER_ID": "agent-3-1", "AUTOHEALER_SLOT": "3"}

    def run(self, code: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a worker to its end."""
        script = "from autohealer import worker\n" + textwrap.dedent(code)
        return self._processes.run(sys.executable, "-c", script, env=self.environment() | env)

    def messages(self) -> Messages:
        """What it has sent."""
        found = []
        self.socket.setblocking(False)
        try:
            while True:
                found.append(self.socket.recv(65536).decode().split())
        except BlockingIOError:
            return found


@pytest.fixture
def agent(processes: Processes) -> Iterator[Agent]:
    """An agent that listens."""
    it = Agent(processes)
    yield it
    it.socket.close()


def test_what_a_worker_says_in_order(agent: Agent) -> None:
    """Readiness, beats with their progress, idleness, and the two ends of a task."""
    done = agent.run(
        """
        worker.ready()
        with worker.task("job 1".replace(" ", "-"), limit=300):
            worker.beat(progress=7)
        worker.idle()
        """
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert agent.messages() == [
        ["READY=1"],
        ["X_AUTOHEALER_TASK=job-1", "X_AUTOHEALER_TASK_LIMIT=300"],
        ["READY=1", "WATCHDOG=1", "X_AUTOHEALER_PROGRESS=7"],
        ["X_AUTOHEALER_TASK_END=job-1"],
        ["X_AUTOHEALER_IDLE=1"],
    ]


def test_the_end_of_a_task_is_told_when_it_fails(agent: Agent) -> None:
    """The exception goes on to the worker."""
    done = agent.run("with worker.task('a'): raise SystemExit(7)")

    assert done.returncode == 7
    assert agent.messages() == [["X_AUTOHEALER_TASK=a"], ["X_AUTOHEALER_TASK_END=a"]]


def test_a_name_cannot_forge_a_field(agent: Agent) -> None:
    """A task's id is text from anywhere."""
    agent.run("with worker.task('a\\nREADY=1'): pass")

    assert agent.messages()[0] == ["X_AUTOHEALER_TASK=a?READY=1"]


def test_a_dropped_end_goes_with_the_next_message(agent: Agent) -> None:
    """An agent that does not read neither blocks its worker nor condemns it for a task that is over."""
    done = agent.run(
        """
        import socket, time, os
        filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        filler.setblocking(False)
        with worker.task("long"):
            try:
                while True:
                    filler.sendto(b"filler", os.environ["NOTIFY_SOCKET"])
            except BlockingIOError:
                pass
        began = time.monotonic()
        for number in range(1000):
            worker.beat(number)
        print(time.monotonic() - began, flush=True)
        os.rename(os.environ["NOTIFY_SOCKET"], os.environ["NOTIFY_SOCKET"] + ".old")
        later = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        later.bind(os.environ["NOTIFY_SOCKET"])  # the agent has come back
        worker.beat(1000)
        print(later.recv(4096).decode().split())
        """
    )

    assert done.stderr == ""
    waited, said = done.stdout.splitlines()
    assert float(waited) < 10
    assert said == str(["X_AUTOHEALER_TASK_END=long", "WATCHDOG=1", "X_AUTOHEALER_PROGRESS=1000"])


def test_what_is_not_sent_is_bounded(agent: Agent) -> None:
    """A worker whose agent is away for days keeps a few lines, not all."""
    done = agent.run(
        """
        import os, socket
        os.rename(os.environ["NOTIFY_SOCKET"], os.environ["NOTIFY_SOCKET"] + ".old")
        for number in range(10_000):
            with worker.task(str(number)):
                pass
        later = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        later.bind(os.environ["NOTIFY_SOCKET"])
        worker.idle()
        print(later.recv(65536).decode().split()[-2:], len(worker._agent._unsent))
        """
    )

    assert done.stdout == "['X_AUTOHEALER_TASK_END=9999', 'X_AUTOHEALER_IDLE=1'] 0\n"


def test_a_beat_takes_back_idleness_that_was_not_told(agent: Agent) -> None:
    """Else the agent would hear of idleness after the beat."""
    done = agent.run(
        """
        import os, socket
        os.rename(os.environ["NOTIFY_SOCKET"], os.environ["NOTIFY_SOCKET"] + ".old")
        worker.idle()
        later = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        later.bind(os.environ["NOTIFY_SOCKET"])
        worker.beat()
        print(later.recv(65536).decode().split())
        """
    )

    assert done.stdout == "['WATCHDOG=1']\n"


def test_a_loop_that_beats_all_the_time_does_not_flood_the_agent(agent: Agent) -> None:
    """A few beats a second say as much as a million."""
    agent.run("for number in range(100_000): worker.beat(number)")

    assert 1 <= len(agent.messages()) < 1000


def test_a_fork_and_its_parent_both_may_speak(agent: Agent) -> None:
    """A child of the worker is heard as the worker is."""
    done = agent.run(
        """
        import os
        if os.fork() == 0:
            worker.ready()
            os._exit(0)
        os.wait()
        worker.idle()
        """
    )

    assert done.stderr == ""
    assert agent.messages() == [["READY=1"], ["X_AUTOHEALER_IDLE=1"]]


INERT = """
from autohealer import worker
worker.ready(); worker.beat(progress=1); worker.idle(); worker.debuggable(); worker.register("h:1")
with worker.task("a", limit=1):
    pass
print(worker.standby(), worker.info.worker, worker.info.slot, worker.info.port)
"""


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": "NOTIFY"}, {"AUTOHEALER_WORKER_ID": "a-0-1"}])
def test_it_is_inert_outside_autohealer(agent: Agent, processes: Processes, env: dict[str, str]) -> None:
    """Nothing is sent, not even where systemd has given a socket of its own; and nothing fails."""
    env = {name: str(agent.path) if value == "NOTIFY" else value for name, value in env.items()}
    done = processes.run(sys.executable, "-c", INERT, env=env | {"PORT": "1"} if "AUTOHEALER_WORKER_ID" in env else env)

    assert done.stderr == ""
    assert done.stdout.split()[0] == "None"
    assert agent.messages() == []


def test_it_imports_the_standard_library_alone(processes: Processes) -> None:
    """Neither the rest of autohealer nor kazoo; in under 50 ms of processor time."""
    code = """
        import sys, time
        began = time.process_time()
        from autohealer import worker
        took = time.process_time() - began
        ours = sorted(name for name in sys.modules if name.split(".")[0] in ("autohealer", "kazoo", "psutil"))
        print(took, *ours)
    """
    runs = [processes.run(sys.executable, "-c", textwrap.dedent(code)).stdout.split() for _ in range(3)]

    assert runs[0][1:] == ["autohealer", "autohealer.worker"]
    assert min(float(run[0]) for run in runs) < 0.05


def test_who_the_worker_is(agent: Agent) -> None:
    """From the environment, as it is now."""
    given = {"EPOCH": "12", "REVISION": "3", "RESTARTS": "4", "LAST_EXIT": "SIGKILL", "POOL": "web", "AGENT": "agent"}
    done = agent.run(
        """
        i = worker.info
        print(i.worker, i.pool, i.agent, i.slot, i.epoch, i.revision, i.restarts, i.last_exit, i.port)
        """,
        **{f"AUTOHEALER_{name}": value for name, value in given.items()},
        PORT="8003",
    )

    assert done.stdout == "agent-3-1 web agent 3 12 3 4 SIGKILL 8003\n"


def spare(agent: Agent, processes: Processes, said: bytes) -> subprocess.CompletedProcess[str]:
    """A spare that is told this, and then nothing more."""
    read, write = os.pipe()
    try:
        os.write(write, said)
        os.close(write)
        return subprocess.run(
            [sys.executable, "-c", "from autohealer import worker; print(worker.standby(), worker.info.slot)"],
            env=processes.environment(agent.environment() | {"AUTOHEALER_STANDBY_FD": str(read)}),
            pass_fds=[read],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(read)


def test_a_spare_waits_for_its_slot(agent: Agent, processes: Processes) -> None:
    """It says that it is ready before it waits."""
    done = spare(agent, processes, b"12\n")

    assert (done.stdout, done.stderr) == ("12 12\n", "")
    assert agent.messages() == [["READY=1"]]


def test_a_spare_that_is_not_needed_leaves(agent: Agent, processes: Processes) -> None:
    """End of file: the agent is gone, or wants it no more."""
    done = spare(agent, processes, b"")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_stacks_of_a_stuck_worker_can_be_had(agent: Agent, processes: Processes) -> None:
    """They are in a file of memory that the worker holds, and whose name says which signal fills it."""
    code = """
        import time
        from autohealer import worker
        worker.debuggable()
        def stuck_here():
            print("stuck", flush=True)
            time.sleep(1000)
        stuck_here()
    """
    process = processes.start(sys.executable, "-c", textwrap.dedent(code), env=agent.environment())
    eventually(lambda: "stuck" in processes.read(), what="the worker")
    folder = Path(f"/proc/{process.pid}/fd")
    stacks = next(link for link in folder.iterdir() if "autohealer-stacks" in str(link.readlink()))
    process.send_signal(signal.SIGUSR1)

    eventually(lambda: "stuck_here" in stacks.read_text(), what="the stack")
    assert re.fullmatch(rf"/memfd:autohealer-stacks-{int(signal.SIGUSR1)} \(deleted\)", str(stacks.readlink()))
    assert process.poll() is None


def test_a_worker_registers_itself(processes: Processes, zookeeper_hosts: str, connect: object) -> None:
    """Under its id, with its address, for as long as it lives."""
    assert callable(connect)
    client = connect(zookeeper_hosts)
    code = "import time; from autohealer import worker; worker.register('10.0.0.7:8000'); time.sleep(1000)"
    env = {
        "AUTOHEALER_ZK": zookeeper_hosts,
        "AUTOHEALER_WORKERS": "/workers",
        "AUTOHEALER_WORKER_ID": "agent-5-1",
        "AUTOHEALER_AGENT": "agent",
        "AUTOHEALER_SLOT": "5",
    }
    process = processes.start(sys.executable, "-c", code, env=env)
    eventually(lambda: client.exists("/workers/agent-5-1"), what=f"the registration; {processes.read()}")

    data = json.loads(client.get("/workers/agent-5-1")[0])
    assert (data["worker"], data["slot"], data["pid"]) == ("agent-5-1", 5, process.pid)
    assert data["address"] == "10.0.0.7:8000"
