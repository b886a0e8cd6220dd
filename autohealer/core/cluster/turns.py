"""Whose turn it is to roll out, and which requests for a rollout every agent has its outcome of.

Both are functions of what the agents say of themselves and of the turn that stands, so a change of leader in the middle
of a rollout changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from autohealer.core.model import RevisionEntry

UNDONE = "undone"


def turn(
    standing: str | None, revisions: Mapping[str, RevisionEntry], requests: Collection[str] = frozenset()
) -> str | None:
    """The agent that may roll out. It stays the same until it has nothing left to exchange, or has an outcome.

    What one agent has undone is not begun by another: nobody gets the turn while an agent says so of one of the
    ``requests`` that stand. Once the leader has seen that it is gone the others have seen it, too, or will before they
    read the next plan. What somebody has undone that was asked of that agent alone concerns nobody else.
    """
    former = revisions.get(standing) if standing is not None else None
    if former is not None and former.old > 0 and former.outcome is None:
        return standing
    if any(_outcome(entry, request) == UNDONE for entry in revisions.values() for request in requests):
        return None
    return min((agent for agent, entry in revisions.items() if entry.old > 0), default=None)


def answered(requests: Collection[str], revisions: Mapping[str, RevisionEntry], agents: int) -> set[str]:
    """The requests that all of so many agents have an outcome of, or that one has undone."""
    done = set()
    for request in requests:
        outcomes = [_outcome(entry, request) for entry in revisions.values()]
        if UNDONE in outcomes or (agents and sum(outcome is not None for outcome in outcomes) == agents):
            done.add(request)
    return done


def _outcome(entry: RevisionEntry, request: str) -> str | None:
    """``done`` or ``undone``, if that is what became of this request there."""
    word, _, name = (entry.outcome or "").partition(" ")
    return word if name == request else None
