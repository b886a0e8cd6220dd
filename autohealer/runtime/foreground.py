"""A program in the foreground that goes on until it is told to stop: what `elect` and `register` have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from autohealer.errors import AutohealerError
from autohealer.processes.launch.setup import block_termination_signals, reset_sigchld
from autohealer.runtime.signals import ending_signals


class Foreground:
    """Its signals, and its end. Make it in the running loop, in the main thread.

    ``signalled`` is called for each signal by which it is asked to end. Of several ends the first counts.
    """

    def __init__(self, signalled: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = loop.create_future()
        reset_sigchld()
        for signum in ending_signals():
            loop.add_signal_handler(signum, signalled)

    @property
    def has_ended(self) -> bool:
        """Whether its end is decided."""
        return self._ended.done()

    def end(self, code: int) -> None:
        """End with this exit code."""
        if not self._ended.done():
            self._ended.set_result(code)

    def fail(self, error: AutohealerError) -> None:
        """End with this error."""
        if not self._ended.done():
            self._ended.set_exception(error)

    async def code(self) -> int:
        """The exit code, when it has ended. Raises AutohealerError. No signal changes it from then on."""
        try:
            return await self._ended
        finally:
            block_termination_signals()
