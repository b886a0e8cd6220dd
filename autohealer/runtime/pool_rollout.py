"""A rollout that all agents of the pool do by turns, as seen by the one that was asked for it: steps and outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autohealer.core.model import WorkerId
from autohealer.core.operations import Answer, Outcome, done, refused

if TYPE_CHECKING:
    from autohealer.core.model import AgentEntry
    from autohealer.core.pool.snapshot import Snapshot

LOOK_S = 1.0
# How often the agents' entries are looked at once more where one has not been read since its outcome was written.
LOOKS = 5
UNDONE = 4


class PoolRollout:
    """Looks at what the agents say of themselves until the request is gone; ``answered`` gets what came of it.

    ``subject`` is a worker or agent where it is about that alone. ``show_agents`` has the agents' entries read for a
    while, ``stepped`` takes what is worth telling.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        show_agents: Callable[[], None],
        call_later: Callable[[float, Callable[[], None]], object],
        *,
        subject: str,
        answered: Callable[[Answer], object],
        stepped: Callable[[object], object],
    ) -> None:
        self._snapshot, self._show_agents, self._call_later = snapshot, show_agents, call_later
        self._subject, self._answered, self._stepped = subject, answered, stepped
        self._requests: frozenset[str] = frozenset()
        self._told = ""
        self._looks = 0
        self._look()

    def request_gone(self, requests: frozenset[str]) -> None:
        """Every agent has its outcome, or one has undone it."""
        self._requests = requests
        self._conclude()

    def _look(self) -> None:
        if self._requests:
            return
        self._show_agents()
        left = {agent: entry.revision.old for agent, entry in self._entries().items() if entry.revision is not None}
        text = ", ".join(f"{agent}: {old}" for agent, old in sorted(left.items()) if old)
        if text and text != self._told:
            self._told = text
            self._stepped({"event": "rollout.step", "detail": f"still to be replaced on {text}"})
        self._call_later(LOOK_S, self._look)

    def _conclude(self) -> None:
        outcomes = outcomes_of(self._entries(), self._requests)
        self._looks += 1
        expected = 1 if self._subject else len(self._snapshot().agents)
        if len(outcomes) < expected and "undone" not in outcomes.values() and self._looks < LOOKS:
            self._show_agents()
            self._call_later(LOOK_S, self._conclude)
            return
        self._answered(answer_of(outcomes, self._subject))

    def _entries(self) -> dict[str, AgentEntry]:
        return {agent: entry for agent, entry in self._snapshot().agents.items() if entry is not None}


def outcomes_of(entries: dict[str, AgentEntry], requests: frozenset[str]) -> dict[str, str]:
    """By agent, what became of one of these requests there: ``done`` or ``undone``."""
    found = {}
    for agent, entry in entries.items():
        outcome, _, request = ((entry.revision.outcome if entry.revision else None) or "").partition(" ")
        if request in requests:
            found[agent] = outcome
    return found


def answer_of(outcomes: dict[str, str], subject: str = "") -> Answer:
    """What to tell who asked for a rollout of the whole pool, or of one worker or agent (``subject``)."""
    undone = sorted(agent for agent, outcome in outcomes.items() if outcome == "undone")
    through = sorted(agent for agent, outcome in outcomes.items() if outcome == "done")
    if undone:
        kept = f"; {', '.join(through)} had done it already, and keeps the new revision" if through else ""
        return Answer(Outcome.DONE, f"undone on {', '.join(undone)}, as its events tell{kept}", UNDONE)
    if not through:
        return refused("the request was taken away before any agent had done it")
    if WorkerId.parse(subject) is not None:
        return done("the worker is new")
    agents = "1 agent" if len(through) == 1 else f"{len(through)} agents"
    return done(f"all workers of {agents} are new")
