"""What one pass of the server has changed, until the journal takes it."""

from __future__ import annotations

from autohealer.zkserver.entries import State
from autohealer.zkserver.journal_batch import JournalBatch
from autohealer.zkserver.sessions import Session

SESSION = Session(5, b"secret", 4000, 0.0)


def state_of(data: bytes) -> State:
    state = State()
    state.apply(data)
    return state


def test_it_is_taken_once_and_in_order() -> None:
    batch = JournalBatch(3)
    batch.opened(SESSION)
    batch.closed(SESSION)
    batch.opened(SESSION)

    assert state_of(batch.take(3)).sessions == {5: (4000, b"secret")}
    assert batch.take(3) == b""


def test_a_new_epoch_is_told_once_even_if_nothing_else_is() -> None:
    batch = JournalBatch(3)

    assert state_of(batch.take(4)).epoch == 4
    assert batch.take(4) == b""
