"""The znode layout of a pool, in one place.

The client is never given the chroot: paths are whole ones, so that making the chroot's own nodes is nothing special
and what the server says needs no translation.
"""

from __future__ import annotations

from typing import Protocol

STAND_IN = ".agent"


def split_hosts(connection: str) -> tuple[str, str]:
    """``host:port,…/chroot`` as servers and chroot, the latter without a slash at its end."""
    servers, slash, chroot = connection.partition("/")
    parts = [part for part in chroot.split("/") if part]
    return servers, "".join(f"/{part}" for part in parts) if slash else ""


def sequence_of(name: str) -> int | None:
    """The number that ZooKeeper gave to a sequential node, or None; past 2**31 it is negative."""
    digits = name[-11:] if name[-11:-10] == "-" else name[-10:]
    number = digits.removeprefix("-")
    return int(digits) if len(number) == 10 and number.isascii() and number.isdigit() else None


class Layout(Protocol):
    """Persistent nodes that something needs."""

    @property
    def open_to_workers(self) -> tuple[str, ...]:
        """Those where programs without credentials may register."""

    def needed(self) -> tuple[str, ...]:
        """Every one that must be there, parents first."""


class Folder:
    """One node for the nodes of candidates or services, at a path of somebody's choice."""

    def __init__(self, path: str, open_to_workers: tuple[str, ...] = ()) -> None:
        self.path = path
        self.open_to_workers = open_to_workers

    def needed(self) -> tuple[str, ...]:
        """The node and all above it, parents first."""
        return ancestry(self.path)


class Paths:
    """Where everything of one pool stands: the pool ``default`` at the top, others under /pools."""

    def __init__(self, chroot: str, pool: str) -> None:
        root = chroot if pool == "default" else f"{chroot}/pools/{pool}"
        self.workers = f"{root}/workers"
        self.election = f"{root}/election"
        self.services = f"{root}/service_registry"
        self.agents = f"{root}/autohealer/agents"
        self.requests = f"{root}/autohealer/requests"
        self.target = f"{root}/autohealer/target"
        self.plan = f"{root}/autohealer/plan"
        self.hold = f"{root}/autohealer/hold"

    @property
    def open_to_workers(self) -> tuple[str, ...]:
        """Where workers without credentials may register."""
        return self.workers, self.services

    def worker(self, worker: str) -> str:
        """A worker's own registration."""
        return f"{self.workers}/{worker}"

    def stand_in(self, worker: str) -> str:
        """The agent's registration for a worker; the worker's own name stays free for itself."""
        return f"{self.workers}/{worker}{STAND_IN}"

    def service(self, worker: str) -> str:
        """Where a worker is reached."""
        return f"{self.services}/{worker}"

    def agent(self, agent: str) -> str:
        """What an agent says of itself."""
        return f"{self.agents}/{agent}"

    def request(self, request: str) -> str:
        """What somebody asks for."""
        return f"{self.requests}/{request}"

    def needed(self) -> tuple[str, ...]:
        """Every persistent node that must be there, parents first."""
        wanted: dict[str, None] = {}
        for path in (self.workers, self.election, self.services, self.agents, self.requests):
            wanted.update(dict.fromkeys(ancestry(path)))
        return tuple(wanted)


def ancestry(path: str) -> tuple[str, ...]:
    """A node and all above it but the root, parents first."""
    parts = path.split("/")[1:]
    return tuple("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))
