"""What several tests of a whole agent begin with."""

from __future__ import annotations

from autohealer.core import events
from autohealer.core.actions import (
    SpawnWorker,
)
from autohealer.core.model import OnPartition, Plan
from autohealer.core.operations import Operation
from tests.core.playbook import EPOCH, MZXID, OTHER, SESSION_TIMEOUT_S, Playbook

TERM, KILL = 15, 9
# ---- leading


def lead_two(book: Playbook) -> None:
    """This agent leads a pool of two."""
    book.connect(target=4)
    book.tell(events.AgentsRead, {"me": None, "other": OTHER})
    book.tell(events.PlanRead, Plan(EPOCH, "me", 4, 0, {"me": 2, "other": 2}), MZXID)
    book.orders.clear()


# ---- authority


def run_by_authority(book: Playbook, share: int) -> list[str]:
    """So many workers run, with a watchdog that stands by."""
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.follow(me=share)
    book.tell(events.PlanRead, Plan(EPOCH + 1, "other", 10, 0, {"me": share}), MZXID + 1)
    book.tell(events.WatchdogReady)
    assert book.take(SpawnWorker) == []
    book.tell(events.AuthorityProven, book.now)
    return book.spawn()


# ---- operations


def operation(verb: str, subject: str = "") -> Operation:
    return Operation("o1", verb, subject, "me@here")


# ---- the end


def leased() -> Playbook:
    """An agent that may run workers where there may never be too many."""
    book = Playbook(on_partition=OnPartition.STOP)
    book.tell(events.WatchdogReady)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.AuthorityProven, book.now)
    return book
