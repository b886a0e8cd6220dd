"""One pool on several hosts: an agent each, with a state directory and a way to ZooKeeper of its own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kazoo.client import KazooClient

from tests.support.pools import Json, Pool, children
from tests.support.processes import Processes, eventually
from tests.support.proxy import Proxy
from tests.support.timeline import Timeline

SESSION_S = 2.0
TICK_S = 0.2
# Later options win: these stand in for the ones that ``Pool`` gives by itself.
OPTIONS = ("--session-timeout", str(SESSION_S), "--register-grace", "0.3", "--stop-timeout", "2")


class Host(Pool):
    """One host's part of the pool."""

    proxy: Proxy | None = None

    @property
    def agent_id(self) -> str:
        """The id of its agent."""
        found = eventually(lambda: [a for a in self.status().get("agents", []) if a["pid"] == self.agent.pid])
        return str(found[0]["agent"])

    def die(self) -> None:
        """The host is lost: its agent, and all of its workers, in one moment; it returns when they are gone."""
        self.agent.send_signal(signal.SIGKILL)
        while left := self.processes.alive():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.agent.wait()


@dataclass
class Cluster:
    """All hosts of one test, on one chroot of an ensemble (``hosts`` with the chroot)."""

    folder: Path
    hosts: str
    connect: Callable[[str], KazooClient]
    name: str = "default"
    members: list[Host] = field(default_factory=list)
    client: KazooClient = field(init=False)

    def __post_init__(self) -> None:
        servers, slash, chroot = self.hosts.partition("/")
        self.client = self.connect(servers)
        self.client.chroot = slash + chroot  # which the first agent makes
        self._options: tuple[str, ...] = OPTIONS
        self._command: tuple[str | Path, ...] = ()
        self._timelines: list[Timeline] = []
        self._proxies: list[Proxy] = []

    # ---- hosts

    def host(self, *, proxied: bool = False, name: str | None = None) -> Host:
        """Another host; nothing runs there yet."""
        folder = self.folder / f"host-{len(self.members)}"
        folder.mkdir()
        host = Host(Processes(folder), self.through(proxied), self.connect, name or self.name)
        host.proxy = self._proxies[-1] if proxied else None
        self.members.append(host)
        for timeline in self._timelines:
            timeline.marks.append(host.processes.mark)
        return host

    def through(self, proxied: bool) -> str:
        """The connection string, by way of a proxy of its own if so wanted."""
        if not proxied:
            return self.hosts
        servers, slash, chroot = self.hosts.partition("/")
        self._proxies.append(Proxy(servers))
        return f"{self._proxies[-1].hosts}{slash}{chroot}"

    def start(
        self,
        target: int,
        hosts: int,
        *,
        options: Sequence[str] = (),
        command: Sequence[str | Path] = (),
        proxied: Sequence[int] = (),
    ) -> list[Host]:
        """So many hosts with one target, at rest. The first one leads."""
        self._options, self._command = (*OPTIONS, *options), tuple(command)
        made = []
        for number in range(hosts):
            made.append(self.add(target, proxied=number in proxied))
            if number == 0:
                made[0].until_event("leader.elected")
        self.until_rest(target)
        return made

    def add(self, target: int, *, options: Sequence[str] = (), proxied: bool = False) -> Host:
        """One more host, where the same runs, with further options."""
        host = self.host(proxied=proxied)
        self.run(host, target, *options)
        return host

    def run(self, host: Host, target: int, *options: str) -> None:
        """Start an agent (again) on a host, as on the others."""
        host.run(target, *self._command, options=(*self._options, *options))

    def timeline(self) -> Timeline:
        """Begins to record the workers of all hosts, those to come included."""
        self._timelines.append(Timeline([host.processes.mark for host in self.members]))
        return self._timelines[-1]

    def end(self) -> None:
        """Kill whatever is left."""
        for host in self.members:
            host.processes.end()
        for timeline in self._timelines:
            timeline.close()
        for proxy in self._proxies:
            proxy.close()

    # ---- what is

    def running(self) -> list[Host]:
        """The hosts whose agents run."""
        return [host for host in self.members if hasattr(host, "agent") and host.agent.poll() is None]

    def living(self) -> list[int]:
        """The pids of all workers, on all hosts."""
        return sorted(pid for host in self.members for pid in host.living())

    def agents(self) -> dict[str, Json]:
        """What each agent says of itself in ZooKeeper."""
        found = {}
        for name in children(self.client, "/autohealer/agents"):
            with suppress(Exception):
                found[name] = json.loads(self.client.get(f"/autohealer/agents/{name}")[0])
        return found

    def plan(self) -> Json:
        """The plan as it stands."""
        with suppress(Exception):
            plan: Json = json.loads(self.client.get("/autohealer/plan")[0])
            return plan
        return {}

    def leader(self) -> Host:
        """The host whose agent is the first candidate."""

        def found() -> list[Host]:
            names = sorted(children(self.client, "/election"), key=lambda name: name.rpartition(":")[2])
            first = names[0].rsplit(":", 2)[0] if names else None
            return [host for host in self.running() if host.agent_id == first]

        return eventually(found, what="a leader among those that run")[0]

    def at_rest(self, target: int, hosts: Sequence[Host] | None = None) -> bool:
        """Whether so many run, evenly over the hosts, each as many as its share, all of them registered."""
        wanted = self.running() if hosts is None else list(hosts)
        agents = self.agents()
        counts = [len(host.living()) for host in wanted]
        as_told = sorted(agent["running"] for agent in agents.values()) == sorted(counts)
        as_planned = all(agent["running"] == agent["share"] for agent in agents.values())
        even = max(counts, default=0) - min(counts, default=0) <= 1
        total = sum(counts) == target == len(self.living())
        return len(agents) == len(wanted) and as_told and as_planned and even and total

    def until_rest(self, target: int, hosts: Sequence[Host] | None = None, timeout: float = 40.0) -> None:
        """Wait until it is at rest."""
        eventually(lambda: self.at_rest(target, hosts), timeout, f"{target} at rest: {self}")

    def until_living(self, count: int, timeout: float = 40.0) -> None:
        """Wait until exactly so many workers live."""
        eventually(lambda: len(self.living()) == count, timeout, f"{count} living: {self}")

    def until_by_themselves(self) -> None:
        """Wait until all workers have registered under their ids, and nobody stands in for any."""

        def registered() -> bool:
            names = {worker["worker"] for host in self.running() for worker in host.workers().values()}
            return bool(names) and set(children(self.client, "/workers")) == names

        eventually(registered, 40.0, "all workers' own registrations")

    def __str__(self) -> str:
        counts = {host.processes.directory.name: len(host.living()) for host in self.members}
        return f"living {counts}, agents {self.agents()}, plan {self.plan()}"

    def events(self, kind: str, **fields: Any) -> list[Json]:
        """All such events of all hosts, in the order of their time."""
        found = [event for host in self.members for event in host.events(kind, **fields)]
        return sorted(found, key=lambda event: str(event["time"]))
