"""What it means that something is listed in ZooKeeper, or is not: what was read goes in, the judgement comes out."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import TYPE_CHECKING

from autohealer.core.model import WorkerId

if TYPE_CHECKING:
    from autohealer.core.model import AgentEntry, Instant

# A worker registers only once it has been started, and is known only once that has been told: what seems to be
# nobody's at a first look may be the registration of one that was started this moment.
SECOND_LOOK_S = 2.0


def is_calm(owners: AbstractSet[str], count: int, agents: Mapping[str, AgentEntry | None]) -> bool:
    """Are so many registrations, of these agents' workers, what the agents that live say they run?

    Then nobody waits for news of them: a listing may wait until the replacement of what has just died is there, too.
    """
    entries = [entry for entry in agents.values() if entry is not None]
    return owners <= agents.keys() and 0 < sum(entry.running for entry in entries) <= count


class NameHolder(Enum):
    """Who has this agent's name among the agents."""

    NOBODY = "nobody"
    OWN = "own"
    TWIN = "twin"
    """Another agent in this very session: its state directory is a copy."""
    FORMER = "former"
    """This agent's own former life, whose session has not ended yet."""
    OTHER = "other"


def holder_of_name(owner: int | None, *, session: int, former: int | None, is_foreign: bool) -> NameHolder:
    """Whose is the node with this agent's name?

    ``owner`` is the session that it belongs to, None where there is no node. ``is_foreign``: what stands there is
    nothing that this agent has written, and it has only just moved into this session.
    """
    if owner is None:
        return NameHolder.NOBODY
    if owner == session:
        return NameHolder.TWIN if is_foreign else NameHolder.OWN
    return NameHolder.FORMER if owner == former else NameHolder.OTHER


class StrayJudgement(Enum):
    """What to do with a registration that none of the workers here has."""

    NOT_OURS = "not ours"
    LOOK_AGAIN = "look again"
    CONDEMNED = "condemned"


def judge_stray(worker: str, agent: str, *, is_stand_in: bool, since: Instant, now: Instant) -> StrayJudgement:
    """Is this the registration of a worker of this agent that is not there (any more)?

    A stand-in is made by this agent alone, so that it can be nothing else. ``since``: when it was seen first.
    """
    identity = WorkerId.parse(worker)
    if identity is None or identity.agent != agent:
        return StrayJudgement.NOT_OURS
    if not is_stand_in and now - since < SECOND_LOOK_S:
        return StrayJudgement.LOOK_AGAIN
    return StrayJudgement.CONDEMNED
