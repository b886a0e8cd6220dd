"""Registrations whose names are no worker ids: has one of our workers made them, and which have dead ones left?

Whoever made one holds a connection to ZooKeeper. So as long as it is not known how this pool registers, the young
workers are looked at when one comes up; where another agent leads, and sees some, once a second while there are such
workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from autohealer.core.actions import Action, InspectConnections
from autohealer.core.model import Instant

DEPARTED_S = 60.0
INSPECT_AGAIN_S = 1.0


class AnonymousRegistrations:
    """``is_open``: it is not known yet how this pool registers. ``young``: the workers that may just have done so."""

    def __init__(
        self,
        order: Callable[[Action], None],
        *,
        is_open: Callable[[], bool],
        young: Callable[[Instant], tuple[str, ...]],
    ) -> None:
        self._order, self._is_open, self._young = order, is_open, young
        self._departed: deque[Instant] = deque()
        self._is_inspecting = self._inspect_again = False
        self._elsewhere = False
        self._look_at: Instant | None = None

    @property
    def is_inspecting(self) -> bool:
        """Whether it is being found out if one of them is ours."""
        return self._is_inspecting

    def departed(self, now: Instant) -> int:
        """How many of dead workers may still linger."""
        while self._departed and self._departed[0] <= now:
            self._departed.popleft()
        return len(self._departed)

    def next_deadline(self) -> Instant | None:
        """When ``expire``, or ``departed``, is to be called next."""
        if self._look_at is None:
            return self._departed[0] if self._departed else None
        return min(self._look_at, self._departed[0]) if self._departed else self._look_at

    # ---- what is observed

    def seen(self, now: Instant) -> None:
        """One has come up: is it one of ours?"""
        if not self._is_open():
            return
        if self._is_inspecting:
            self._inspect_again = True
        elif workers := self._young(now):
            self._is_inspecting = True
            self._order(InspectConnections(workers))

    def inspected(self, now: Instant) -> None:
        """The workers have been looked at. If none of them holds a connection, one may yet make one."""
        again, self._is_inspecting, self._inspect_again = self._inspect_again, False, False
        if again:
            self.seen(now)
        else:
            self.look_again(now)

    def seen_elsewhere(self, there: bool, now: Instant) -> None:
        """Another agent leads, and whether it sees any: when one comes up is not told here."""
        came, self._elsewhere = there and not self._elsewhere, there
        if came:
            self.seen(now)

    def look_again(self, now: Instant) -> None:
        """What is about may yet be one of ours, as long as one of ours is young."""
        if self._elsewhere and self._is_open():
            self._look_at = now + INSPECT_AGAIN_S

    def died(self, now: Instant) -> None:
        """A worker that may have made one is dead: that is expected to go."""
        self._departed.append(now + DEPARTED_S)

    def vanished(self, count: int) -> None:
        """So many are gone, those of departed workers first."""
        for _ in range(min(count, len(self._departed))):
            self._departed.popleft()

    def expire(self, now: Instant) -> None:
        """Look again if it is time for that."""
        if self._look_at is not None and self._look_at <= now:
            self._look_at = None
            if self._elsewhere:
                self.seen(now)
