"""Who is registered under ``/workers``, and how many of them no live agent runs: these count towards the target.

What is found at the first look, and what a lost agent leaves, is old. Whatever else comes counts once it has been
seen for ``--register-grace``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from math import inf

from autohealer.core.model import AgentEntry, Child, Instant, WorkerId


class Foreign:
    """What a leader has seen there. ``anonymous``: how many registrations name nobody."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self.anonymous = 0
        self._children: dict[str, str | None] | None = None
        self._by_agent: dict[str, dict[str, Instant]] = {}
        self._names_of_worker: Counter[str] = Counter()
        self._believed = 0
        self._differs_since: Instant | None = None
        self._look_again: Instant = inf

    @property
    def is_known(self) -> bool:
        """Whether there was a look since ``forget``."""
        return self._children is not None

    def forget(self) -> None:
        """A new leader has looked at nothing yet."""
        self._children = None
        self._by_agent.clear()
        self._names_of_worker.clear()
        self._believed = 0

    def lose(self, agents: Iterable[str]) -> None:
        """These agents are gone: what they leave is old."""
        for agent in agents:
            self._differs_since = -inf
            if agent in self._by_agent:
                self._by_agent[agent] = dict.fromkeys(self._by_agent[agent], -inf)

    def names_of(self, agent: str) -> list[str]:
        """The worker ids of this agent that are registered."""
        return list(self._by_agent.get(agent, ()))

    def look(self, children: tuple[Child, ...], now: Instant) -> tuple[int, int]:
        """Fold in all ephemeral children of /workers; how many anonymous ones are new, and how many are gone."""
        before = self._children
        known = before or {}
        self._children = {child.name: child.worker for child in children}
        came, went = self._children.items() - known.items(), known.items() - self._children.items()
        new = sum(worker is None and name not in known for name, worker in came)
        left = sum(worker is None and name not in self._children for name, worker in went)
        for _, worker in came:
            self._count_in(worker, -inf if before is None else now)
        for _, worker in went:
            self._count_out(worker)
        self.anonymous = sum(worker is None for worker in self._children.values())
        if left or before is None:
            self._differs_since = -inf
        return new, left

    def count(self, agents: Collection[str], entries: Iterable[AgentEntry], now: Instant) -> tuple[int, Instant | None]:
        """How many nobody runs, and when to count again, if that may change by itself.

        ``agents`` are those that live, ``entries`` what they say of themselves.
        """
        self._look_again = inf
        unowned = 0
        for agent in self._by_agent.keys() - set(agents):
            for seen in self._by_agent[agent].values():
                if seen + self._grace_s <= now:
                    unowned += 1
                else:
                    self._look_again = min(self._look_again, seen + self._grace_s)
        explained = sum(entry.unregistered + entry.departed for entry in entries)
        total = unowned + self._settle(max(0, self.anonymous - explained), now)
        return total, self._look_again if self._look_again < inf else None

    def _settle(self, anonymous: int, now: Instant) -> int:
        """Believe another count of foreign anonymous workers once it has stood for the grace.

        A worker that was just started, and has not registered yet, makes the count wrong for a moment.
        """
        if anonymous == self._believed:
            self._differs_since = None
            return anonymous
        if self._differs_since is None:
            self._differs_since = now
        if self._differs_since + self._grace_s <= now:
            self._believed = anonymous
            self._differs_since = None
        else:
            self._look_again = min(self._look_again, self._differs_since + self._grace_s)
        return self._believed

    def _count_in(self, worker: str | None, seen: Instant) -> None:
        """A worker may be registered under its own name and another."""
        if agent := WorkerId.agent_of(worker):
            self._names_of_worker[str(worker)] += 1
            self._by_agent.setdefault(agent, {}).setdefault(str(worker), seen)

    def _count_out(self, worker: str | None) -> None:
        if agent := WorkerId.agent_of(worker):
            self._names_of_worker[str(worker)] -= 1
            if not self._names_of_worker[str(worker)]:
                del self._names_of_worker[str(worker)]
                del self._by_agent[agent][str(worker)]
                if not self._by_agent[agent]:
                    del self._by_agent[agent]
