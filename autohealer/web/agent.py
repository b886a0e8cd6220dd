"""What is seen of the agent in this process, asked for from an event loop of another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from autohealer.core.operations import Answer, Outcome
from autohealer.errors import UnreachableError

if TYPE_CHECKING:
    from autohealer.core.operations import Operation
    from autohealer.core.pool.snapshot import Snapshot

ANSWER_S = 5.0
PATIENCE_S = 1.0

T = TypeVar("T")


class AgentView(Protocol):
    """How others may look at an agent. Nothing here waits."""

    @property
    def agent(self) -> str:
        """Its id."""

    @property
    def host(self) -> str:
        """Where it runs."""

    @property
    def zookeeper(self) -> str:
        """Its connection string."""

    @property
    def call_soon(self) -> Callable[[Callable[[], object]], object]:
        """Calls a function in the agent's own thread; RuntimeError once the agent has ended."""

    def ask(self, operation: Operation, answered: Callable[[Answer], object]) -> None:
        """Have this done; ``answered`` is called in the agent's thread, once it is known what came of it."""

    def look(self, deliver: Callable[[Snapshot, float], object]) -> None:
        """Have ``deliver`` called there with how things stand, and the seconds that it took to tell."""


async def snapshot_of(window: AgentView, timeout_s: float = ANSWER_S) -> tuple[Snapshot, float]:
    """How things stand, and the processor time that it took to tell. Raises UnreachableError."""
    deliver, found = _delivery(tuple["Snapshot", float])
    window.look(lambda snapshot, cost_s: deliver((snapshot, cost_s)))
    return await _within(found, timeout_s)


async def answer_of(window: AgentView, operation: Operation, patience_s: float = PATIENCE_S) -> Answer:
    """What came of an operation; that it was accepted, where it takes longer. Raises UnreachableError."""
    deliver, found = _delivery(Answer)
    await pulse_of(window)
    window.ask(operation, deliver)
    try:
        return await asyncio.wait_for(found, patience_s)
    except TimeoutError:
        return Answer(Outcome.ACCEPTED)


async def pulse_of(window: AgentView, timeout_s: float = ANSWER_S) -> None:
    """Come back once the agent's loop has had a moment. Raises UnreachableError."""
    deliver, found = _delivery(bool)
    with suppress(RuntimeError):
        window.call_soon(lambda: deliver(True))
    await _within(found, timeout_s)


def _delivery(_: type[T]) -> tuple[Callable[[T], None], asyncio.Future[T]]:
    """A future of this loop, and what fulfils it from another thread."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[T] = loop.create_future()

    def fulfil(value: T) -> None:
        if not found.done():  # nobody waits any more
            found.set_result(value)

    def deliver(value: T) -> None:
        with suppress(RuntimeError):  # the endpoint has ended
            loop.call_soon_threadsafe(fulfil, value)

    return deliver, found


async def _within(found: asyncio.Future[T], timeout_s: float) -> T:
    try:
        return await asyncio.wait_for(found, timeout_s)
    except TimeoutError:
        raise UnreachableError(f"the agent has not answered within {timeout_s:g} s") from None
