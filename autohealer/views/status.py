"""How a pool stands: the fields of ``status --json``, in their order.

``status_of`` makes it of what an agent or ZooKeeper knows; who gets it as JSON has msgspec check each value's type,
so that what is shown is what was meant. A field that is not known is None, and so is one that another version left out.
"""

from __future__ import annotations

import msgspec


class WorkerRow(msgspec.Struct):
    """A slot of an agent with the life in it, or a spare or a surge, which have no slot."""

    worker: str | None = None
    agent: str | None = None
    host: str | None = None
    pid: int | None = None
    slot: int | None = None
    state: str = "gone"
    registered: bool | None = None
    ready: bool | None = None
    restarts: int | None = None
    started: str | None = None
    address: str | None = None
    revision: int | None = None
    cpu: float | None = None
    rss: int | None = None
    cause: str | None = None
    held: str | None = None
    next_start: str | None = None

    @property
    def key(self) -> str:
        """What stays the same over the lives in a row: the agent's slot; of spares and surges, the worker's id."""
        return str(self.worker) if self.slot is None else f"{self.agent}/{self.slot}"


class AgentRow(msgspec.Struct):
    """An agent of the pool, as its own entry says."""

    agent: str
    host: str | None = None
    pid: int | None = None
    share: int | None = None
    running: int | None = None
    draining: bool | None = None
    http: str | None = None


class Finished(msgspec.Struct):
    """Slots that are not started again."""

    done: int = 0
    failed: int = 0


class RolloutRow(msgspec.Struct):
    """A rollout that is under way."""

    verb: str = "restart"
    by: str | None = None
    from_: int | None = msgspec.field(default=None, name="from")
    to: int | None = None
    exchanged: int | None = None
    of: int | None = None


class Config(msgspec.Struct):
    """The file that the pool was started from, and whether what is on disk is still that."""

    file: str | None = None
    state: str = "same"
    detail: str | None = None


class Status(msgspec.Struct):
    """The whole pool. What stands after the workers only an agent of the pool can say; None where none was asked."""

    pool: str = ""
    zookeeper: str | None = None
    connected: bool = True
    target: int | None = None
    running: int = 0
    registered: int | None = None
    foreign: int | None = None
    leader: str | None = None
    epoch: int | None = None
    agents: list[AgentRow] = []
    workers: list[WorkerRow] = []
    spares: int | None = None
    done: Finished | None = None
    rollout: RolloutRow | None = None
    held: list[str] | None = None
    config: Config | None = None

    @property
    def is_below(self) -> bool:
        """Whether fewer workers run, or have ended for good, than the pool is to have."""
        finished = self.done or Finished()
        return self.running + finished.done + finished.failed + (self.foreign or 0) < (self.target or 0)

    @property
    def wanted(self) -> int:
        """How many workers the agents are to run: the target less what others run of it."""
        return max(0, (self.target or 0) - (self.foreign or 0))

    def name_of(self, agent: str | None) -> str:
        """What to call an agent: its host, where no other one is there too; else its id."""
        hosts = [each.host for each in self.agents]
        host = next((each.host for each in self.agents if each.agent == agent), None)
        return host if host is not None and hosts.count(host) == 1 else agent or ""


class SilentPool(msgspec.Struct):
    """One of several pools that could not be asked, and why."""

    pool: str
    error: str


class Here(msgspec.Struct):
    """The agent that was asked, beyond what ``status`` says of it."""

    agent: str | None = None
    host: str | None = None
    pid: int | None = None
    version: str | None = None
    draining: bool = False
    away_since: str | None = None
    http: str | None = None


class WatchedStatus(Status):
    """A status as a dashboard gets it: with the agent that was asked."""

    here: Here | None = None


class Changes(msgspec.Struct, omit_defaults=True):
    """What differs from before: whole rows, and all of the status but its rows if anything in it differs."""

    workers: list[WorkerRow] = []
    gone: list[str] = []
    status: WatchedStatus | None = None
