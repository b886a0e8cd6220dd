"""The news of a pool that other hosts run, too: asked for again and again, as `status` does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from autohealer.core.notices import EventRecord
from autohealer.errors import AutohealerError
from autohealer.tui.background import in_background
from autohealer.tui.source import News
from autohealer.views.status import WatchedStatus

Operate = Callable[[str, str], str]

LOOK_S = 1.0
RESTS = 10
"""After a look that took long there is none for so many times as long: others want an answer, too."""


class ClusterSource:
    """``look`` gives the status of the whole pool, ``events`` what has happened here since it was last asked.

    ``operate`` asks for an operation and waits. All are called in a thread of their own.
    """

    beats = False

    def __init__(
        self,
        look: Callable[[], WatchedStatus],
        events: Callable[[], list[EventRecord]],
        operate: Operate,
        *,
        is_local: bool,
    ) -> None:
        self._look, self._events, self._operate, self.is_local = look, events, operate, is_local

    async def listen(self, hear: Callable[[News], None]) -> None:
        """For ever. What was known stays, with a word on it, while nobody answers: the pool may be back soon."""
        is_known = False
        while True:
            began = time.monotonic()
            try:
                status = await in_background(self._look)
            except AutohealerError as error:
                if not is_known:
                    raise
                hear(News(error=str(error)))
            else:
                is_known = True
                hear(News(snapshot=status))
                for event in await in_background(self._events):
                    hear(News(event=event))
            await asyncio.sleep(max(LOOK_S, (time.monotonic() - began) * RESTS))

    async def operate(self, verb: str, subject: str) -> str:
        """Ask the pool for an operation."""
        return await in_background(lambda: self._operate(verb, subject))
