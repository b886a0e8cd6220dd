"""What an event costs does not grow with the pool. Counted in bytecodes, not in seconds, so it is always the same."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from autohealer.core import events
from autohealer.core.actions import WritePlan
from autohealer.core.model import Child, RegistrationMode
from tests.core.playbook import Playbook


class Effort:
    """Counts the bytecodes that are executed inside."""

    def __enter__(self) -> Effort:
        self.bytecodes = 0
        self._former = sys.gettrace()
        sys.settrace(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._former)

    def _count(self, frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        self.bytecodes += event == "opcode"
        return self._count


def effort_of_a_heal(workers: int, mode: RegistrationMode) -> float:
    """What one worker's death, replacement and registration cost a leader that runs so many."""
    book = Playbook(workers=workers, registration=mode)
    confirmed = events.StandInMade if mode is RegistrationMode.AGENT else events.RegistrationSeen
    book.connect(target=workers)
    book.tell(events.PlanRead, book.take(WritePlan)[0].plan, 9)
    alive = book.spawn()
    for worker in alive:
        book.tell(confirmed, worker)
    book.tell(events.ChildrenRead, tuple(Child(worker, worker) for worker in alive))
    book.orders.clear()
    with Effort() as effort:
        for worker in alive[:20]:
            book.tell(events.ProcessExited, worker, None, "SIGKILL")
            book.tell(events.OrphansEnded, worker)
            for successor in book.spawn():
                book.tell(confirmed, successor)
    return effort.bytecodes / 20


@pytest.mark.parametrize("mode", list(RegistrationMode))
def test_a_heal_costs_as_much_in_a_pool_of_a_thousand_as_in_one_of_a_hundred(mode: RegistrationMode) -> None:
    small, large = effort_of_a_heal(100, mode), effort_of_a_heal(1000, mode)

    assert large < small * 1.5
