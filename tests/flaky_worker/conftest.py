"""A flaky worker as an agent starts it, on a real ZooKeeper."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.protocol.states import ZnodeStat

from tests.support.processes import ROOT, Processes, eventually

SCRIPT = ROOT / "flaky_worker" / "flaky_worker.py"
# These give slot 3 its first fault after 1.0 s, long after it has registered, and a second one 4.2 s later.
NOT_AT_ONCE = ("--mean-life", "1", "--seed", "351")
SHORT_SESSION = ("--session-timeout", "0.5")


@dataclass
class WorkerBench:
    """Starts one worker, and looks at its output and at its registration."""

    processes: Processes
    hosts: str
    client: KazooClient
    worker_id: str = "agent-3-unique"
    process: subprocess.Popen[str] = field(init=False)

    def start(self, *options: str, output: str = "output") -> subprocess.Popen[str]:
        """Start the worker as slot 3 of an agent; a steady one, unless ``options`` say otherwise."""
        self.process = self._spawn(self.worker_id, *options, output=output)
        return self.process

    def _spawn(self, worker_id: str, *options: str, output: str) -> subprocess.Popen[str]:
        environment = {
            "AUTOHEALER_ZK": self.hosts,
            "AUTOHEALER_WORKERS": "/workers",
            "AUTOHEALER_WORKER_ID": worker_id,
            "AUTOHEALER_AGENT": "agent",
            "AUTOHEALER_SLOT": "3",
            "FLAKY_FAULT": "none",
        }
        return self.processes.start(sys.executable, SCRIPT, *options, env=environment, output=output)

    def fail(self, fault: str, *options: str) -> subprocess.Popen[str]:
        """Start a worker that soon commits ``fault``, with the shortest session that the server grants."""
        return self.start("--fault", fault, "--mean-life", "0.1", *SHORT_SESSION, *options)

    def outlast_a_session(self) -> None:
        """Wait until the session of another worker has ended, which fell silent only now."""
        witness = self._spawn("witness", *SHORT_SESSION, output="witness")
        eventually(lambda: self.client.exists("/workers/witness"), what="the witness")
        witness.kill()
        eventually(lambda: not self.client.exists("/workers/witness"), what="the end of the witness")

    def stat(self) -> ZnodeStat | None:
        """The worker's registration, while it has one."""
        return self.client.exists(f"/workers/{self.worker_id}")

    def until_registered(self) -> ZnodeStat:
        """The registration, as soon as it is there."""
        return eventually(self.stat, what="the registration")

    def until_gone(self) -> None:
        """Wait until there is no registration."""
        eventually(lambda: self.stat() is None, what="the end of the registration")

    def until_said(self, text: str, times: int = 1) -> None:
        """Wait until the worker has written ``text`` this often."""
        eventually(lambda: self.processes.read().count(text) >= times, what=text)

    def signal_is_pending(self, number: int) -> bool:
        """Whether a signal has arrived that the worker does not take."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
        return bool(int(pending.split()[1], 16) >> (number - 1) & 1)


@pytest.fixture
def bench(processes: Processes, zk_hosts: str, connect: Callable[[str], KazooClient]) -> WorkerBench:
    """A worker that is yet to be started, on a real ZooKeeper that stays up."""
    return WorkerBench(processes, zk_hosts, connect(zk_hosts))
