"""Which incidents are known of a pool on this host: those on disk, and what its agent has to tell beyond them.

The agent writes them a moment after they happen, and some of what it knows only once they have ended. So whoever asks
is told the truth of now where an agent answers, and that of its end where none does any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autohealer.runtime.control_client import Conversation
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.incident_store import INCIDENTS, MOST_KEPT, of_whom, read_incidents

if TYPE_CHECKING:
    from autohealer.runtime.state_dir import StateDir

Json = dict[str, Any]

ANSWER_S = 1.0
"""Of an agent that is frozen, or too busy, what is on disk has to do."""
_ENDS = frozenset({"healed", "done", "gave-up", "unknown"})


def known_incidents(
    state: StateDir, *, worker: str | None = None, since: float | None = None, most: int = MOST_KEPT
) -> list[Json]:
    """The newest first. What is asked for as in ``read_incidents``, which see for what it raises."""
    told = _told_by_agent(state)  # before the disk is read: what is written in between is found there
    found = {one["id"]: one for one in told if _is_asked_for(one, worker, since)}
    for one in read_incidents(state.incidents_path, worker=worker, since=since, most=most):
        if one["id"] not in found or one["outcome"] in _ENDS:
            found[one["id"]] = one
    return sorted(found.values(), key=lambda one: str(one["opened"]), reverse=True)[:most]


def _is_asked_for(incident: Json, worker: str | None, since: float | None) -> bool:
    if since is not None and incident["opened"] < timestamp(since):
        return False
    column, value = of_whom(worker)
    return worker is None or incident[column] == value


def _told_by_agent(state: StateDir) -> list[Json]:
    try:
        with state.connect_control(ANSWER_S) as connection:
            answer = Conversation(connection).ask(INCIDENTS, ANSWER_S)
    except (OSError, ValueError):
        return []
    return answer if isinstance(answer, list) else []
