"""What a former agent here has left: its workers are found and adopted, and the core is told what else it knew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autohealer.core import events
from autohealer.core.actions import WriteHold
from autohealer.core.model import Sense
from autohealer.core.pool.brake import ALL
from autohealer.processes.launch.adoption import find_workers
from autohealer.processes.tree.procfs import age_s
from autohealer.runtime.clock import now
from autohealer.runtime.ledger import WorkerEntry
from autohealer.runtime.revisions import Revisions, users_of

if TYPE_CHECKING:
    from autohealer.runtime.effects import Effects
    from autohealer.runtime.ledger_writer import LedgerWriter

Post = Callable[[events.Event], None]


def take_over(pool: str, revisions: Revisions, ledger: LedgerWriter, effects: Effects, post: Post) -> None:
    """Adopt the workers that live, and clear up after those that died while nobody looked."""
    at, facts = now(), ledger.facts
    if facts.left is not None:
        post(events.FormerLifeFound(at, facts.left.draining, facts.left.accounts_of_slots()))
    held = frozenset(facts.held) & {ALL, *Sense}
    if held:
        post(events.HoldRead(at, held))
    if facts.hold_by is not None:
        effects.perform(WriteHold(held, facts.hold_by), at)
    written = dict(ledger.workers)
    for worker in find_workers(facts.agent, written.values(), pool, users_of(revisions.record)):
        found = WorkerEntry(
            worker.worker,
            worker.slot,
            worker.pid,
            worker.start_time,
            worker.started,
            number=worker.slot or 0,
            revision=worker.revision,
        )
        entry = written.pop(worker.worker, found)
        effects.adopt(entry, worker.pidfd)
        revisions.found(entry.revision)
        age = age_s(worker.start_time)
        post(
            events.WorkerFound(
                at, entry.worker, entry.slot, entry.pid, entry.started, age, entry.revision, entry.number
            )
        )
    for entry in written.values():
        effects.bury(entry)


def tell_finished(ledger: LedgerWriter, revision: int, post: Post) -> None:
    """Where workers may finish, what has finished is not done again by the next agent here: in this revision."""
    ended = [entry for entry in ledger.finished.values() if entry.revision == revision]
    done = frozenset(entry.finished for entry in ended if not entry.failed)
    failed = frozenset(entry.finished for entry in ended if entry.failed)
    if done or failed:
        post(events.FinishedFound(now(), done, failed))
