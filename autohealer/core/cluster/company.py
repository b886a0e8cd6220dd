"""The agents of this pool that are there, as far as each agent is told, and whether this one may be among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autohealer.core import notices
from autohealer.core.actions import Action, EmitEvent, EndAgent
from autohealer.core.model import Instant, Plan, PoolSpec, RestartPolicy

# Beyond its timeout, until a dead agent's session is gone: a server looks for such every so often.
TICK_S = 2.0
FAILED = 1


class Company:
    """``agents``: who is there, this agent among them."""

    def __init__(self, spec: PoolSpec, agent: str, order: Callable[[Action], None]) -> None:
        self._spec, self._agent, self._order = spec, agent, order
        self.agents: frozenset[str] = frozenset()
        self._unnamed: frozenset[str] = frozenset()
        self._yield_at: Instant | None = None

    @property
    def is_alone(self) -> bool:
        """Whether no other agent is known."""
        return not self.agents - {self._agent}

    def next_deadline(self) -> Instant | None:
        """When ``expire`` is to be called next."""
        return self._yield_at

    def listed(self, names: frozenset[str], standing: Plan | None) -> None:
        """The names that are there. Whom the plan did not name at the look before either is no agent."""
        self._yield_at = None  # only who has the name gets to see the others
        unnamed = names - standing.shares.keys() if standing is not None else frozenset()
        self._meet(names - (unnamed & self._unnamed) | {self._agent})  # a persistent node, as the leader knows
        self._unnamed = unnamed

    def read(self, names: frozenset[str]) -> None:
        """The agents, as the leader reads them."""
        self._yield_at = None
        self._meet(names)

    def named(self, shares: Mapping[str, int], former: Plan | None) -> None:
        """The plan names everybody who is there; who was never named yet may only just have come."""
        named = frozenset(shares)
        gone = (former.shares.keys() if former else named) - named
        self._meet(self.agents - gone | named)

    def check(self, plan: Plan) -> None:
        """Where workers may finish, only one agent can know how many have: another one that joins is refused."""
        finishes = plan.finishes or self._spec.restart is not RestartPolicy.ALWAYS
        if finishes and plan.leader != self._agent:
            self._order(
                EndAgent(
                    FAILED,
                    f"agent {plan.leader} runs pool {self._spec.name}, where workers may finish, and such a pool has"
                    " one agent: stop that one first, or take another --pool",
                )
            )

    def name_taken(self, now: Instant, patience_s: float) -> None:
        """Two that go by one name would undo each other's work: the one that comes later yields.

        Unless it is this agent's own former life, whose session nobody has noted down and which ends within
        ``patience_s``.
        """
        if self._yield_at is None:
            self._yield_at = now + patience_s

    def expire(self, now: Instant) -> None:
        """Yield, if the other one is still there."""
        if self._yield_at is not None and now >= self._yield_at:
            self._yield_at = None
            state = "its state directory is a copy of this one's"
            self._order(EndAgent(FAILED, f"another agent goes by the id {self._agent}: {state}"))

    def _meet(self, agents: frozenset[str]) -> None:
        for agent in sorted(agents - self.agents):
            self._order(EmitEvent(notices.AgentJoined(agent)))
        for agent in sorted(self.agents - agents):
            self._order(EmitEvent(notices.AgentLeft(agent)))
        self.agents = agents
