"""How long something may have been there to be seen before the loop came to it."""

from __future__ import annotations

import selectors
from typing import TYPE_CHECKING

from autohealer.runtime.clock import now

if TYPE_CHECKING:
    from autohealer.core.model import Instant


class TimingSelector(selectors.EpollSelector):
    """A selector that notes when it was asked.

    What is there as soon as the kernel is asked has come since the last look. What has to be waited for has come when
    the wait ended; how long the kernel then took to wake us, nobody can tell.
    """

    def __init__(self) -> None:
        super().__init__()
        self._since = self._back = now()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready."""
        found = super().select(0)
        self._since = self._back
        if not found and (timeout is None or timeout > 0):
            found = super().select(timeout)
            self._since = now()
        self._back = now()
        return found

    def noticed_since(self) -> Instant:
        """The earliest moment at which what is being handled now can have happened."""
        return self._since
