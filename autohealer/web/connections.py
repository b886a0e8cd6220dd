"""Which connections the endpoint keeps when there are too many of them.

Descriptors are what workers are started with, so there is a limit. Whoever says nothing must not keep others out: a new
connection takes the place of the one that has been here longest of those that no request is being answered on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from aiohttp.web import RequestHandler

MOST: Final = 256


class Connections:
    """Knows on which of them a request is being answered."""

    def __init__(self) -> None:
        self._busy: set[Hashable] = set()

    @contextmanager
    def answering(self, connection: Hashable) -> Iterator[None]:
        """A request is being answered on this connection: it is not the one to go."""
        self._busy.add(connection)
        try:
            yield
        finally:
            self._busy.discard(connection)

    def make_room(self, connections: Iterable[RequestHandler]) -> bool:
        """Room for one more, from the oldest on. False: all are busy."""
        is_open = [each for each in connections if each.transport is not None and not each.transport.is_closing()]
        if len(is_open) < MOST:
            return True
        idle = next((each for each in is_open if each not in self._busy), None)
        if idle is None:
            return False
        idle.force_close()
        return True
