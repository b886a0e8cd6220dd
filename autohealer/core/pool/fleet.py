"""An agent's workers as a rollout sees and changes them: its slots, and the surges beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from autohealer.core.model import Instant


class FleetLife(Protocol):
    """One process, from its start to its end, as a rollout sees it."""

    @property
    def worker(self) -> str:
        """Its id."""

    @property
    def revision(self) -> int:
        """What it was started from."""

    @property
    def since(self) -> Instant:
        """When it started."""

    @property
    def ready_since(self) -> Instant | None:
        """Since when it has been ready without a break; None while it is not ready."""

    @property
    def first_ready(self) -> Instant | None:
        """When it was ready for the first time; None if it never was."""

    @property
    def is_stopping(self) -> bool:
        """Whether it has been asked to end."""


class Fleet(Protocol):
    """The workers of one agent. Orders take effect at once, as far as ``slots`` and ``surges`` tell.

    From which revision a life is started, `Rollout.revision_of` says.
    """

    @property
    def share(self) -> int | None:
        """How many slots are wanted; None where that is not known now."""

    def slots(self) -> Mapping[int, FleetLife | None]:
        """The slots that are wanted, by number, each with its present life; None between two lives."""

    def surges(self) -> Mapping[int, FleetLife | None]:
        """The surges by number; None for one that waits to be started again."""

    def room(self) -> int:
        """How many surges there may be at all: capacity, ports, and whether there may ever be too many, limit it."""

    def reset_backoff(self) -> None:
        """Start at once whatever waits."""

    def start_surge(self) -> None:
        """One more, under the first free number from the share up."""

    def end_surge(self, number: int) -> None:
        """Stop it; it is not started again."""

    def exchange(self, slot: int) -> None:
        """Stop the slot's present life, if there is one, and start its next one without backoff."""

    def retry(self, number: int) -> None:
        """Start the next life of this slot or surge without backoff, unless it waits for want of resources."""
