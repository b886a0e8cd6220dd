"""Which incidents are known of a pool on this host: those on disk, and what its agent has to tell beyond them.

The agent writes them a moment after they happen, and some of what it knows only once they have ended. So whoever asks
is told the truth of now where an agent answers, and that of its end where none does any more.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from autohealer.core.incident import IncidentEntry
from autohealer.errors import AutohealerError
from autohealer.runtime.control_client import Conversation
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.incident_store import INCIDENTS, MOST_KEPT
from autohealer.views.tolerant import decoded, made_of

if TYPE_CHECKING:
    from pathlib import Path

    from autohealer.runtime.state_dir import StateDir

ANSWER_S = 1.0
"""Of an agent that is frozen, or too busy, what is on disk has to do."""
_ENDS = frozenset({"healed", "done", "gave-up", "unknown"})


def known_incidents(
    state: StateDir, *, worker: str | None = None, since: float | None = None, most: int = MOST_KEPT
) -> list[IncidentEntry]:
    """The newest first. What is asked for as in ``read_incidents``, which see for what it raises."""
    told = _told_by_agent(state)  # before the disk is read: what is written in between is found there
    found = {one.id: one for one in told if _is_asked_for(one, worker, since)}
    for one in read_incidents(state.incidents_path, worker=worker, since=since, most=most):
        if one.id not in found or one.outcome in _ENDS:
            found[one.id] = one
    return sorted(found.values(), key=lambda one: one.opened, reverse=True)[:most]


def _is_asked_for(incident: IncidentEntry, worker: str | None, since: float | None) -> bool:
    if since is not None and incident.opened < timestamp(since):
        return False
    column, value = _of_whom(worker)
    return worker is None or getattr(incident, column) == value


def _told_by_agent(state: StateDir) -> list[IncidentEntry]:
    try:
        with state.connect_control(ANSWER_S) as connection:
            answer = Conversation(connection).ask(INCIDENTS, ANSWER_S)
    except (OSError, ValueError):
        return []
    return [entry for one in answer if (entry := _entry(one)) is not None] if isinstance(answer, list) else []


def read_incidents(
    path: Path, *, worker: str | None = None, since: float | None = None, most: int = MOST_KEPT
) -> list[IncidentEntry]:
    """The newest incidents first: all, of one worker, or of a slot by its number; since a moment in Unix time.

    None there is none, and none where nothing has been kept yet. Raises AutohealerError for what cannot be read.
    """
    import sqlite3  # noqa: PLC0415 - an endpoint that nobody asks need not have it

    if not path.exists():
        return []
    conditions: list[str] = ["1"]
    values: list[object] = []
    if worker is not None:
        column, value = _of_whom(worker)
        conditions.append(f"{column} = ?")
        values.append(value)
    if since is not None:
        conditions.append("opened >= ?")
        values.append(timestamp(since))
    query = f"SELECT body FROM incidents WHERE {' AND '.join(conditions)} ORDER BY opened DESC LIMIT ?"  # noqa: S608 - of fixed words
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=2.0)) as connection:
            rows = connection.execute(query, (*values, most)).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise AutohealerError(f"cannot read {path}: {error}", "run it as the agent's user") from error
    except sqlite3.DatabaseError as error:
        raise AutohealerError(f"cannot read {path}: {error}", "move it away; the agent makes a new one") from error
    return [entry for (body,) in rows if (entry := _entry(body)) is not None]


def _entry(told: object) -> IncidentEntry | None:
    """What is kept of an incident, or told of it by the agent; None for what is none."""
    if isinstance(told, str):
        try:
            told = decoded(told)
        except ValueError:
            return None
    return made_of(IncidentEntry, told) if isinstance(told, dict) else None


def _of_whom(worker: str | None) -> tuple[str, str | int | None]:
    """The field by which those of a worker, or of a slot by its number, are found, and its value."""
    is_slot = worker is not None and worker.isdecimal() and len(worker) <= 9
    return ("slot", int(worker)) if worker is not None and is_slot else ("worker", worker)
