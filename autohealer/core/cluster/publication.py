"""What this agent says of itself to the others, and when: with each change that is anybody else's business."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from autohealer.core.actions import Action, PublishAgent
from autohealer.core.model import AgentEntry, Instant, OnPartition

# A heal that takes no longer is nobody else's business: two writes, and as many reads by the leader, are spared.
HEAL_S = 1.0
_all_but_running = attrgetter(*(name for name in AgentEntry.__struct_fields__ if name != "running"))


class Publication:
    """``entry`` is what this agent would say of itself now."""

    def __init__(self, on_partition: OnPartition, entry: AgentEntry, order: Callable[[Action], None]) -> None:
        self._on_partition, self._order = on_partition, order
        self.entry = entry
        self._published: AgentEntry | None = None
        self._tell_at: Instant | None = None

    def session_opened(self) -> None:
        """What was said stood in another session."""
        self._published = None

    def next_deadline(self) -> Instant | None:
        """When ``say`` is to be called next."""
        return self._tell_at

    def say(self, entry: AgentEntry, now: Instant) -> None:
        """This holds now."""
        self.entry = entry
        if not self._is_healing(entry):
            self._tell_at = None
        elif self._tell_at is None:
            self._tell_at = now + HEAL_S
        if entry != self._published and (self._tell_at is None or now >= self._tell_at):
            self._tell_at, self._published = None, entry
            self._order(PublishAgent(entry))

    def _is_healing(self, entry: AgentEntry) -> bool:
        """Whether all of the share ran, as was said, and nothing has changed but that some of it does not now.

        Where there may never be too many, others may be waiting for every end.
        """
        published = self._published
        return (
            self._on_partition is OnPartition.KEEP
            and published is not None
            and entry.running < entry.share == published.running
            and _all_but_running(entry) == _all_but_running(published)
        )
