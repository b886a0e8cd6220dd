"""How many workers may be replaced for a verdict at once, and which senses somebody holds.

A dependency that all workers share fails all their probes at once. Without a brake a whole pool would be restarted
over it, which helps nobody and loses what the workers hold. Deaths are never braked.
"""

from __future__ import annotations

from math import inf

from autohealer.core.model import Instant, Sense, part

ALL = "all"


def held_after(held: frozenset[str], sense: str, *, release: bool) -> frozenset[str]:
    """What is held once this sense (none: every one) is held as well, or is no longer."""
    if sense in ("", ALL):
        return frozenset() if release else frozenset({ALL})
    if not release:
        return held if ALL in held else held | {sense}
    return (frozenset(Sense) if ALL in held else held) - {sense}


class Brake:
    """``max_faulty``: a number of workers, or (a float) a part of this agent's share; at least one in any case."""

    def __init__(self, max_faulty: int | float) -> None:
        self._max_faulty = max_faulty
        self._slots: set[int] = set()
        self._share = 0
        self.held: frozenset[str] = frozenset()
        """The senses whose verdicts somebody asked not to be carried out; ``all`` for every one."""
        self.room_since: Instant = -inf
        """Since when there has been as much room as there is now: what a sense saw before that is not new."""

    @property
    def limit(self) -> int:
        """How many may be replaced for a verdict at once."""
        return part(self._max_faulty, self._share)

    @property
    def replacing(self) -> frozenset[int]:
        """The slots whose worker was stopped for a verdict, until a replacement is ready."""
        return frozenset(self._slots)

    def is_held(self, sense: Sense) -> bool:
        """Whether somebody asked not to carry out verdicts of this sense."""
        return sense in self.held or ALL in self.held

    def has_room(self, slot: int) -> bool:
        """Whether a verdict in this slot may be carried out. It has its room already if it is being replaced."""
        return slot in self._slots or len(self._slots) < self.limit

    def take(self, slot: int) -> None:
        """A verdict in this slot is carried out."""
        self._slots.add(slot)

    def give_back(self, slot: int, now: Instant) -> bool:
        """A replacement in this slot is ready, or none is wanted; whether that makes room."""
        if slot not in self._slots:
            return False
        self._slots.discard(slot)
        self.room_since = now
        return True

    def set_share(self, share: int, now: Instant) -> bool:
        """This agent's share; whether there is more room with it."""
        if share == self._share:
            return False
        before, self._share = self.limit, share
        if self.limit > before:
            self.room_since = now
        return self.limit > before

    def hold(self, senses: frozenset[str], now: Instant) -> bool:
        """These senses are held from now on, and no others; whether any was let go."""
        freed = ALL not in senses and bool(self.held - senses)
        self.held = senses
        if freed:
            self.room_since = now
        return freed
