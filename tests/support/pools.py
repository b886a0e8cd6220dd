"""One pool as its users have it: the real command line, real workers, a ZooKeeper embedded or real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from autohealer.runtime.control_client import Conversation
from autohealer.runtime.state_dir import StateDir
from tests.support.processes import Processes, eventually

Json = dict[str, Any]

# Short enough that nobody waits for a session to end, long enough for a busy machine.
QUICK = ("--session-timeout", "2", "--register-grace", "0.3")
SLEEP = ("sleep", "1000")
MANY = 60.0


@dataclass
class Pool:
    """``zk`` is the connection string that ``run`` is given; None: the server inside the agent."""

    processes: Processes
    zk: str | None
    connect: Callable[[str], KazooClient]
    name: str = "default"
    agent: subprocess.Popen[str] = field(init=False)
    _runs: int = 0

    def __post_init__(self) -> None:
        self.folder = self.processes.state_dir / self.name
        self._state = StateDir(self.processes.state_dir, self.name, {})

    # ---- the command line

    @property
    def where(self) -> tuple[str, ...]:
        """How commands are told which pool is meant."""
        zk = () if self.zk is None else ("--zk", self.zk)
        return zk if self.name == "default" else (*zk, "--pool", self.name)

    def run(
        self,
        workers: int,
        *command: str | Path,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start an agent; what it prints goes to ``said``."""
        self._runs += 1
        arguments = ["run", str(workers), *self.where, *QUICK, *options, "--", *map(str, command or SLEEP)]
        self.agent = self.processes.autohealer(*arguments, env=env, output=f"run-{self._runs}")
        return self.agent

    def said(self) -> str:
        """What the last agent has printed."""
        return self.processes.read(f"run-{self._runs}")

    def call(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command on this pool to its end."""
        return self.processes.run_autohealer(command, *self.where, *arguments)

    def ended(self, timeout: float = 30.0) -> int:
        """The exit code of the agent, which is about to end."""
        return self.agent.wait(timeout)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Tell the agent to stop, and wait for its exit code."""
        self.agent.send_signal(signum)
        return self.ended()

    def kill_agent(self) -> None:
        """What no agent survives; its workers do."""
        self.agent.kill()
        self.agent.wait()

    # ---- what the agent says

    def status(self) -> Json:
        """The status as the agent here has it; empty while none answers."""
        with suppress(OSError, ValueError, KeyError), self._state.connect_control(5.0) as connection:
            answer = Conversation(connection).ask("status", 5.0)
            return answer if isinstance(answer, dict) else {}
        return {}

    def workers(self) -> dict[int, Json]:
        """The workers that run, by slot."""
        found = self.status().get("workers", [])
        return {worker["slot"]: worker for worker in found if worker["pid"] is not None}

    def pids(self) -> dict[int, int]:
        """Their pids, by slot."""
        return {slot: worker["pid"] for slot, worker in self.workers().items()}

    def until_running(self, count: int, timeout: float = MANY) -> dict[int, int]:
        """Wait until so many run, and no more and no others are there; their pids by slot."""

        def as_wanted() -> dict[int, int]:
            status, pids = self.status(), self.pids()
            running = status.get("running") == len(pids) == count
            return pids if running and sorted(pids.values()) == self.living() else {}

        if count:
            return eventually(as_wanted, timeout, f"{count} workers; {self.status()}")
        eventually(lambda: self.status().get("running") == 0 and not self.living(), timeout, "no workers")
        return {}

    def until_registered(self, count: int, timeout: float = MANY) -> None:
        """Wait until so many of the pool's own are registered."""
        eventually(lambda: self.status().get("registered") == count, timeout, f"{count} registered; {self.status()}")

    def until_replaced(self, former: Mapping[int, int], slots: Sequence[int], timeout: float = MANY) -> dict[int, int]:
        """Wait until other workers run in these slots; all others have to be the same as before."""

        def replaced() -> dict[int, int]:
            pids = self.pids()
            return pids if pids.keys() == former.keys() and all(pids[s] != former[s] for s in slots) else {}

        eventually(replaced, timeout, f"replacements in {slots} of {former}")
        pids = self.until_running(len(former), timeout)
        assert {s: p for s, p in pids.items() if s not in slots} == {s: p for s, p in former.items() if s not in slots}
        return pids

    def events(self, kind: str | None = None, **fields: object) -> list[Json]:
        """What has happened so far, in this agent's life and those before: all of this kind with these fields."""
        try:
            written = (self.folder / "events.jsonl").read_text()
        except FileNotFoundError:
            return []
        whole, _, _ = written.rpartition("\n")  # the last line may be being written
        events: list[Json] = [json.loads(line) for line in whole.splitlines()]
        return [e for e in events if kind in (None, e["event"]) and all(e.get(k) == v for k, v in fields.items())]

    def until_event(self, kind: str, timeout: float = MANY, **fields: object) -> Json:
        """Wait for such an event; the first one."""
        return eventually(lambda: self.events(kind, **fields), timeout, f"{kind} {fields}")[0]

    def ledger(self) -> Path:
        """Where the agent writes down whom it runs."""
        return self.folder / "ledger"

    # ---- what is

    def living(self) -> list[int]:
        """The pids of all workers there are, whoever knows of them: the first process that bears a worker's id."""
        first: dict[bytes, int] = {}
        for pid in sorted(self.processes.alive()):
            if (worker := _worker_of(pid)) is not None:
                first.setdefault(worker, pid)
        return sorted(first.values())

    def client(self) -> KazooClient:
        """A client of the pool's ZooKeeper."""
        return self.connect(str(eventually(self.status, what="the agent")["zookeeper"]))

    def until_by_themselves(self, client: KazooClient) -> None:
        """Wait until all workers have registered under their ids, and nobody stands in for any."""

        def registered() -> bool:
            names = {worker["worker"] for worker in self.workers().values()}
            return set(self.registered(client)) == names and self.status()["registered"] == len(names)

        eventually(registered, MANY, "all workers' own registrations")

    def registered(self, client: KazooClient) -> list[str]:
        """The names under /workers."""
        return children(client, "/workers")


def children(client: KazooClient, path: str) -> list[str]:
    """The children of a node, in order; none where it is not there."""
    try:
        return sorted(client.get_children(path))
    except NoNodeError:
        return []


def _worker_of(pid: int) -> bytes | None:
    """The worker's id in the environment of a leader of a session; a worker's child may lead one of its own."""
    with suppress(OSError):
        if os.getsid(pid) == pid:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            return next((v for v in variables if v.startswith(b"AUTOHEALER_WORKER_ID=")), None)
    return None
