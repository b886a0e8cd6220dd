"""How a pool in an agent process ends: decided once, by whoever is first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.errors import AutohealerError, GaveUpError

if TYPE_CHECKING:
    import asyncio


class PoolEnd:
    """The end of one pool, before it has come and after."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._decided: asyncio.Future[tuple[int, AutohealerError | None]] = loop.create_future()
        self.is_abandoned = False
        """Whether workers that live go on, and all else stays as it is for the next agent here."""

        self.is_draining = self.is_killed = False

    @property
    def is_decided(self) -> bool:
        """Whether it has come."""
        return self._decided.done()

    async def wait(self) -> int:
        """The exit code. Raises AutohealerError for an end that nobody asked for."""
        code, error = await self._decided
        if error is not None:
            raise error
        return code

    def drain(self) -> bool:
        """Somebody asks for it; whether that is the first time. The second time nothing is waited for any more."""
        if self.is_draining:
            self.is_killed = True
            return False
        self.is_draining = True
        return True

    def finish(self, code: int, message: str) -> None:
        """The core has decided so; ``message`` says what went wrong, if anything."""
        self._decide(code, _error(code, message) if message else None)

    def fail(self, error: AutohealerError) -> None:
        """What the pool needs is not to be had."""
        self._decide(error.exit_code, error)

    def abandon(self, code: int) -> None:
        """At once, with this exit code; workers that live go on, and stand in the ledger."""
        if not self.is_decided:
            self.is_abandoned = True
            self._decide(code, None)

    def _decide(self, code: int, error: AutohealerError | None) -> None:
        if not self.is_decided:
            self._decided.set_result((code, error))


def _error(code: int, message: str) -> AutohealerError:
    if code == GaveUpError.exit_code:
        return GaveUpError(message, "see `autohealer logs` for what it said")
    return AutohealerError(message)
