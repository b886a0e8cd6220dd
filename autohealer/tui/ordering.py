"""In what order workers are listed, and which of them are in trouble. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autohealer.tui.state import moment
from autohealer.views.status import WorkerRow

BY_SLOT = "slot"
_STATES = {"backoff": 0, "failed": 1, "stopping": 3, "starting": 4, "running": 9}
_KEYS: dict[str, Callable[[WorkerRow], tuple[float, ...]]] = {
    "trouble": lambda row: (row.held is not None, row.ready is False, -_STATES.get(row.state, 8)),
    "uptime": lambda row: (row.started is not None, -(moment(row.started) or 0.0)),
    "restarts": lambda row: (row.restarts or 0,),
    "cpu": lambda row: (row.cpu or 0.0,),
    "memory": lambda row: (row.rss or 0,),
}
ORDERS = (BY_SLOT, *_KEYS)
"""What workers can be ordered by: by slot from the lowest on, by all else from the highest or worst on."""


def ordered(rows: Iterable[WorkerRow], by: str, *, is_reversed: bool) -> list[WorkerRow]:
    """The rows, which come by slot, in this order; those that are equal in it stay by slot."""
    if by == BY_SLOT:
        found = list(rows)
        return found[::-1] if is_reversed else found
    return sorted(rows, key=_KEYS[by], reverse=not is_reversed)


def is_in_trouble(row: WorkerRow) -> bool:
    """Whether somebody may want to look at it: held, waiting before its next start, running and not ready."""
    return row.held is not None or row.state in {"backoff", "failed"} or (row.state == "running" and row.ready is False)
