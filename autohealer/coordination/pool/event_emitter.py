"""What is told as events: each gets its time, and after the end nothing is told any more."""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.events import Event


class EventEmitter:
    """Makes events of facts, and posts them."""

    def __init__(self, post: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._post, self._clock = post, clock
        self._is_silent = False

    def emit(self, kind: Callable[..., Event], *facts: object) -> None:
        """Post an event of this kind, which happens now."""
        if not self._is_silent:
            self._post(kind(self._clock(), *facts))

    def emitting(self, kind: Callable[..., Event]) -> Callable[..., None]:
        """Something to be called with what makes up an event of this kind."""
        return lambda *facts: self.emit(kind, *facts)

    def silence(self) -> None:
        """What comes after the end, such as answers that were under way, is no news to anybody."""
        self._is_silent = True
