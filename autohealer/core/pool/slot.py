"""One slot: a stable place of one worker, with what is wanted of it and its backoff."""

from __future__ import annotations

import msgspec

from autohealer.core.model import Instant
from autohealer.core.pool.life import Life
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.restarts import Restarts


class Slot(msgspec.Struct, eq=False):
    """A stable place of one worker; ``life`` is the present one, None between two.

    ``vacancy`` is the state while there is no life: gone, backoff, done or failed. ``revision`` is what its next life
    is started from. ``died_at``: when the last life ended by death or verdict, None where the next start heals nothing.
    """

    index: int
    restarts: Restarts
    revision: int
    vacancy: WorkerState = WorkerState.GONE
    wanted: bool = False
    life: Life | None = None
    starts: int = 0
    may_start_at: Instant = 0.0
    died_at: Instant | None = None
    cause: str | None = None
    """What ended its last life: ``exit 1``, ``SIGKILL``, or a sense; None where nothing did, or somebody asked."""
    last_exit: str = ""
    spawn_failures: int = 0
    waits_for: str | None = None
    """Its last worker, while something that it left may be in the way of the next one, ``waits_until`` then at most."""
    waits_until: Instant = 0.0

    @property
    def state(self) -> WorkerState:
        """The state of its life, else of the vacancy."""
        return self.vacancy if self.life is None else self.life.state

    @property
    def is_finished(self) -> bool:
        """Whether it is done or failed: nothing is started in it any more."""
        return self.vacancy in {WorkerState.DONE, WorkerState.FAILED}
