"""What ZooKeeper is to agents, as a model: sessions that expire, nodes that go with them, transactions, watches.

It knows the agents' nodes by what they mean rather than by path, and counts what real ones would cost: a request for
each read that a watch leads to, an event for each watch that fires.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

from autohealer.core.model import AgentEntry, Child, Plan

TICK_S = 0.2


class Watcher(Protocol):
    """Who is told that something has changed."""

    def stale(self, what: str) -> None:
        """What was read of this is not so any more."""

    def promoted(self) -> None:
        """The candidate before this one is gone."""


@dataclass(eq=False, slots=True)
class Session:
    """Lives for ``timeout_s`` after it was last heard; ``held`` while a connection keeps it alive."""

    agent: str
    timeout_s: float
    heard: float
    owner: Watcher | None = None
    over: bool = False


@dataclass(slots=True)
class ZooKeeper:
    """``later`` calls something after some seconds; ``now`` is a clock."""

    later: Callable[..., None]
    now: Callable[[], float]
    zxid: int = 0
    target: int | None = None
    plan: Plan | None = None
    plan_zxid: int = 0
    agents: dict[str, tuple[AgentEntry, Session]] = field(default_factory=dict)
    candidates: dict[int, Session] = field(default_factory=dict)
    workers: dict[str, Session] = field(default_factory=dict)
    sessions: dict[Session, None] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    events: int = 0
    leaders: dict[int, str] = field(default_factory=dict)
    listener: Watcher | None = None
    up: bool = True

    # ---- sessions

    def open(self, agent: str, timeout_s: float, owner: Watcher) -> Session:
        """A new session; what a former life of this agent has left in the election goes."""
        session = Session(agent, timeout_s, self.now(), owner)
        self.sessions[session] = None
        # Ground, name, election, target, plan, agents, requests, listing.
        self.requests["connect"] += 16
        for number in [n for n, other in self.candidates.items() if other.agent == agent]:
            self._resign(number)
        return session

    def unheard(self, session: Session, heard: float) -> None:
        """Its connection is gone, and nobody speaks for it since ``heard``."""
        if self.listener is session.owner:
            self.listener = None
        session.owner = None
        session.heard = heard
        if not session.over:
            self._look_at(session)

    def _look_at(self, session: Session) -> None:
        due = ceil((session.heard + session.timeout_s) / TICK_S) * TICK_S
        self.later(due - self.now(), self._judge, session, session.heard)

    def _judge(self, session: Session, heard: float) -> None:
        if self.up and not session.over and session.owner is None and session.heard == heard:
            self.end(session)

    def return_to(self, session: Session, owner: Watcher) -> bool:
        """A client comes back to its session, if it lives."""
        if not session.over:
            session.owner, session.heard = owner, self.now()
            self.requests["connect"] += 16
        return not session.over

    def end(self, session: Session) -> None:
        """Expired or closed: what is ephemeral goes with it."""
        session.over = True
        del self.sessions[session]
        for number in [n for n, owner in self.candidates.items() if owner is session]:
            self._resign(number)
        if (entry := self.agents.get(session.agent)) and entry[1] is session:
            del self.agents[session.agent]
            if (leader := self.leader()) is not None:
                self.events += 1
                self.requests["read agents"] += 1
                leader.stale("agents")
        gone = [name for name, owner in self.workers.items() if owner is session]
        for name in gone:
            del self.workers[name]
        if gone:
            self._changed("children")

    def come_back(self) -> None:
        """After an outage every session has its full timeout again."""
        self.up = True
        for session in self.sessions:
            session.heard = self.now()
            if session.owner is None:
                self._look_at(session)

    # ---- what agents do

    def stand(self, session: Session) -> int | None:
        """A place in the election; the epoch where it is the first."""
        self.zxid += 1
        self.candidates[self.zxid] = session
        return self.epoch_of(session)

    def epoch_of(self, session: Session) -> int | None:
        """The czxid of this session's candidature, where it is the first."""
        first = min(self.candidates, default=None)
        return first if first is not None and self.candidates[first] is session else None

    def _resign(self, number: int) -> None:
        del self.candidates[number]
        after = min((n for n in self.candidates if n > number), default=None)
        if after is not None and (heir := self.candidates[after].owner) is not None:
            self.events += 1
            self.requests["election"] += 2
            heir.promoted()

    def publish(self, session: Session, entry: AgentEntry) -> None:
        """An agent says something of itself."""
        self.requests["publish"] += 1
        new = session.agent not in self.agents
        self.agents[session.agent] = entry, session
        # The leader reads the entry, and first the list if it is a new one.
        leader = self.leader()
        if leader is not None and leader is not session.owner:
            self.events += 1
            self.requests["read agents"] += 1 + new
            leader.stale("agents")

    def write_target(self, workers: int) -> None:
        """What ``scale`` does."""
        self.requests["target"] += 1
        self.target = workers
        self._changed("target")

    def write_plan(self, session: Session, plan: Plan) -> int | None:
        """A transaction with a check that the writer's candidature stands; the mzxid."""
        self.requests["plan"] += 1
        if session not in self.candidates.values():
            return None
        assert self.leaders.setdefault(plan.epoch, plan.leader) == plan.leader, "two leaders in one epoch"
        assert self.epoch_of(session) == plan.epoch, "a plan by one who does not lead"
        self.zxid += 1
        self.plan, self.plan_zxid = plan, self.zxid
        self._changed("plan")
        return self.zxid

    def register(self, session: Session, made: list[str], removed: list[str]) -> None:
        """Stand-ins come and go, all in one transaction."""
        self.requests["registrations"] += 1
        for name in removed:
            self.workers.pop(name, None)
        self.workers.update(dict.fromkeys(made, session))
        self._changed("children")

    def children(self, listener: Watcher | None = None) -> tuple[Child, ...]:
        """All registrations; the listener is told once that they have changed."""
        self.requests["read children"] += 1
        self.listener = listener
        return tuple(Child(f"{name}.agent", name) for name in self.workers)

    def leader(self) -> Watcher | None:
        """The first candidate, if it has a connection."""
        first = min(self.candidates, default=None)
        return None if first is None else self.candidates[first].owner

    def _changed(self, what: str) -> None:
        if what == "children":
            listener, self.listener = self.listener, None
            if listener is not None:
                self.events += 1
                listener.stale(what)
            return
        for session in self.sessions:
            if session.owner is not None:
                self.events += 1
                self.requests[f"read {what}"] += 1
                session.owner.stale(what)
