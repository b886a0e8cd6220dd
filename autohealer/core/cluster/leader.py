"""The leader's part: the plan.

The plan is a function of what is: the agents, the target and the foreign workers. It is computed anew with every
change and written whenever what stands differs from it, so a change of leader or target in the middle of anything
needs no hand-over, and a plan that somebody damaged repairs itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from math import inf

from autohealer.core.actions import Action, DeleteRequest, Warn, WritePlan
from autohealer.core.cluster import turns
from autohealer.core.cluster.foreign import Foreign
from autohealer.core.cluster.plan import divide, replace_first, stop_first
from autohealer.core.cluster.policy import difference, policy_of
from autohealer.core.model import (
    AgentEntry,
    Child,
    Instant,
    OnPartition,
    Plan,
    PoolSpec,
    RestartPolicy,
    RevisionEntry,
)

RETRY_S = 1.0


class Leader:
    """What this agent knows of the whole pool; it decides only while it leads."""

    def __init__(self, spec: PoolSpec, agent: str, order: Callable[[Action], None]) -> None:
        self._spec, self._agent, self._order = spec, agent, order
        self._finishes = spec.restart is not RestartPolicy.ALWAYS
        self.epoch: int | None = None
        self.agents: Mapping[str, AgentEntry | None] | None = None
        self.target: int | None = None
        self.standing: Plan | None = None
        self.foreign = 0
        self.registered = Foreign(spec.register_grace_s)
        self._writing = False
        self._hold_until = self._repeat_at = self._lost_until = -inf
        self._deadline: Instant | None = None
        self._stale = True
        self._mine: AgentEntry | None = None
        self._standing_since = 0
        self._vanished: deque[Instant] = deque()
        self._session_since: Instant = inf
        self._short = 0
        self._refusal = ""
        self._differing: dict[str, str] = {}
        self.requests: set[str] = set()
        """The requests for rollouts of the whole pool that stand."""
        self._answered: set[str] = set()
        """Those of them that this leader has ordered to be taken away."""

    # ---- what is observed

    def session_opened(self, now: Instant) -> None:
        """A plan that stands may be of a time before this session."""
        self._session_since = now

    def agents_listed(self) -> None:
        """What the agents say of themselves is not followed any more."""
        self.agents = None
        self._vanished.clear()

    def agents_read(self, agents: Mapping[str, AgentEntry | None], now: Instant, session_timeout_s: float) -> None:
        """The live agents. What a lost one leaves is old: it is counted at once."""
        if self.agents is not None:
            former = self.agents.keys()
            leaving = {agent for agent, entry in self.agents.items() if entry and entry.draining}
        else:
            named = self._named_since(now - session_timeout_s)
            former = named.keys()
            leaving = {agent for agent, share in named.items() if share == 0}
        lost = former - agents.keys()
        self._suspect(len(lost - leaving), len(former), now, session_timeout_s)
        self.registered.lose(lost)
        if lost:
            self._lost_until = now + self._spec.register_grace_s
        self.agents = agents
        self._stale = True
        self._compare()

    def _compare(self) -> None:
        """Say which agents do not go by the same policy; again if that changes, and by each new leader."""
        if self.epoch is None or self.agents is None:
            return
        mine = policy_of(self._spec)
        entries = ((agent, entry) for agent, entry in self.agents.items() if entry is not None)
        differing = {agent: text for agent, entry in entries if (text := difference(mine, entry.policy))}
        for agent, text in differing.items():
            if self._differing.get(agent) != text:
                self._order(Warn(f"agent {agent} has {text}: give all agents of a pool the same"))
        self._differing = differing

    def _named_since(self, since: Instant) -> Mapping[str, int]:
        """Whom another leader has named: of those, who is missing at the first look of a new leader has only just gone.

        A plan that was found in a young session says nothing of the kind: its pool may have ended long ago.
        """
        return self.standing.shares if self.standing is not None and self._session_since <= since else {}

    def _suspect(self, vanished: int, former: int, now: Instant, session_timeout_s: float) -> None:
        """Of three or more agents more than half are gone within a session timeout: is it them, or ZooKeeper?"""
        self._vanished.extend([now] * vanished)
        while self._vanished and self._vanished[0] <= now - session_timeout_s:
            self._vanished.popleft()
        before = former - vanished + len(self._vanished)
        if vanished and before >= 3 and len(self._vanished) > before / 2:
            self.hold(now + session_timeout_s, f"{len(self._vanished)} of {before} agents vanished together")

    def request_stands(self, request: str) -> None:
        """A request for a rollout of the whole pool stands."""
        self.requests.add(request)
        self._stale = True

    def request_gone(self, request: str) -> None:
        """It stands no more."""
        self.requests.discard(request)
        self._stale = True

    def target_read(self, target: int | None) -> None:
        """The target as it stands."""
        self.target = target
        self._stale = True

    def won(self, epoch: int) -> None:
        """This agent leads from now on, and has looked at nothing yet."""
        self.epoch = epoch
        self.registered.forget()
        self._writing = False
        self._stale = True
        self._refusal = ""
        self._differing.clear()
        self._answered = set()
        self._compare()

    def lost(self) -> None:
        """This agent does not lead any more."""
        self.epoch = None
        self._deadline = None

    def hold(self, until: Instant, why: str) -> None:
        """What ZooKeeper says now may be about to change: move nothing until then."""
        self._hold_until = until
        self._stale = True
        if self.epoch is not None:
            self._order(Warn(f"{why}: nothing is moved before ZooKeeper has been there for a session timeout"))

    def plan_read(self, plan: Plan | None, mzxid: int) -> None:
        """The plan as it stands."""
        self.standing, self._standing_since = plan, mzxid
        self._writing = False
        self._stale = True

    def plan_refused(self, now: Instant, error: str = "") -> None:
        """The plan that was ordered does not stand: try again soon, or hear before that that another one leads."""
        if error and error != self._refusal:
            self._order(Warn(f"{error}; the former plan stands"))
        self._refusal = error
        self._writing = False
        self._hold_until = max(self._hold_until, now + RETRY_S)
        self._stale = True

    def children_read(self, children: tuple[Child, ...], now: Instant) -> tuple[int, int]:
        """All ephemeral children of /workers; how many anonymous ones are new, and how many are gone."""
        self._stale = True
        return self.registered.look(children, now)

    def next_deadline(self) -> Instant | None:
        """When ``decide`` is to be called next, at the latest."""
        return self._deadline

    # ---- what is decided

    def decide(self, mine: AgentEntry, now: Instant) -> None:
        """Write the plan, if this agent leads and what stands is not what should be."""
        due = self._deadline is not None and self._deadline <= now
        if not (self._stale or due or mine_differs(mine, self._mine)):
            return
        self._stale, self._mine, self._deadline = False, mine, None
        if self.epoch is None or self.target is None or self.agents is None or not self.registered.is_known:
            return
        if now < self._hold_until:
            self._deadline = self._hold_until
            return
        agents = {**self.agents, self._agent: mine}
        if len(agents) == 1 and mine.draining:
            return  # there is nobody to hand anything over to
        self.foreign, again = self.registered.count(agents, filter(None, agents.values()), now)
        if again is not None:
            self._wake(again)
        revisions = _revisions(agents)
        # Not by what this agent is about to say: a request goes once its outcome has been written.
        answered = turns.answered(self.requests, _revisions(self.agents), len(agents))
        for request in sorted(answered - self._answered):
            self._order(DeleteRequest(request))
        self._answered = answered
        plan = Plan(
            self.epoch,
            self._agent,
            self.target,
            self.foreign,
            self._shares(agents, now),
            anonymous=self.registered.anonymous > 0,
            finishes=self._finishes,
            turn=turns.turn(self.standing.turn if self.standing else None, revisions, self.requests),
        )
        waited_for = self._is_waited_for(agents)
        if waited_for:
            self._wake(now + RETRY_S)
        if not self._writing and (plan != self.standing or (waited_for and now >= self._repeat_at)):
            self._writing = True
            self._repeat_at = now + RETRY_S
            self._order(WritePlan(plan))

    def _is_waited_for(self, agents: Mapping[str, AgentEntry | None]) -> bool:
        """Whether another agent waits for a plan that is younger than its session: the one it found it may not trust.

        Such a session may have begun between two looks, so that nothing else calls for another plan.
        """
        others = [entry for agent, entry in agents.items() if agent != self._agent and entry is not None]
        return self._spec.on_partition is OnPartition.STOP and any(entry.plan == 0 for entry in others)

    def _shares(self, agents: Mapping[str, AgentEntry | None], now: Instant) -> dict[str, int]:
        standing = self.standing.shares if self.standing else {}
        entries = {agent: entry for agent, entry in agents.items() if entry is not None}
        running = {agent: entry.running for agent, entry in entries.items()}
        # One whose words make no sense keeps what it has: it may be there, or be no agent at all.
        capacities = {
            agent: standing.get(agent, 0) if entry is None else entry.capacity
            for agent, entry in agents.items()
            if not (entry and entry.draining) and (agent == self._agent or not self._finishes)
        }
        total = max(0, (self.target or 0) - self.foreign)
        if now < self._lost_until and self._spec.on_partition is OnPartition.KEEP:
            # Who was lost may be back in a moment, and give workers away itself by the plan that stands.
            kept = sum(min(count, standing.get(agent, 0)) for agent, count in running.items())
            if total < min(kept, self.target or 0):
                total = min(kept, self.target or 0)
                self._wake(self._lost_until)
        divided = divide(total, capacities, {**running, **standing})
        self._tell_short(total - sum(divided.values()) if capacities else 0)
        # Where all drain nobody is left to take over, and all may end: nothing is lacking, then.
        final = {agent: divided.get(agent, 0) for agent in agents}
        if self._spec.on_partition is OnPartition.KEEP:
            # Who was told to shrink may have done so already, and not said it yet.
            sure = {agent: min(count, standing.get(agent, count)) for agent, count in running.items()}
            return replace_first(final, sure)
        followed = all(entry.plan == self._standing_since for entry in entries.values()) or self.standing is None
        return stop_first(total, final, standing, running if followed else None)

    def _tell_short(self, short: int) -> None:
        if short and short != self._short:
            self._order(Warn(f"{short} workers more than all agents take (--capacity): start another agent"))
        self._short = short

    def _wake(self, at: Instant) -> None:
        self._deadline = at if self._deadline is None else min(self._deadline, at)


def _revisions(agents: Mapping[str, AgentEntry | None]) -> dict[str, RevisionEntry]:
    return {agent: entry.revision for agent, entry in agents.items() if entry is not None and entry.revision}


def mine_differs(entry: AgentEntry, former: AgentEntry | None) -> bool:
    """Whether the plan may have to change with this; the number that runs is no part of it."""
    return former is None or _what_counts(entry) != _what_counts(former)


def _what_counts(entry: AgentEntry) -> tuple[object, ...]:
    return entry.unregistered, entry.departed, entry.capacity, entry.draining, entry.revision
