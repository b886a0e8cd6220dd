"""When a worker counts as ready: ``--ready``, and its defaults.

By its own registration, by all its probes, by READY=1, by a line of its log, by having lived for so long, or at once.
A registration that it did not make itself says nothing of it: it must have lived for a while, too. While ZooKeeper is
away nobody can register, and having lived for a while is enough.
"""

from __future__ import annotations

from autohealer.core.model import Instant, PoolSpec, ReadyWhen
from autohealer.core.pool.condition import Condition
from autohealer.core.pool.life import Life, Role

SAID = frozenset({ReadyWhen.PROBE, ReadyWhen.NOTIFY, ReadyWhen.LOG})
"""These wait for something that may never come: ``--start-timeout`` is their limit."""


class Readiness:
    """``is_away``: ZooKeeper does not answer. ``notify_is_known``: a worker of this pool has sent READY=1."""

    def __init__(self, spec: PoolSpec) -> None:
        self._spec = spec
        self.is_away = True
        self.notify_is_known = False

    @property
    def when(self) -> ReadyWhen:
        """What decides in this pool."""
        if self._spec.ready is not None:
            return self._spec.ready
        if self._spec.probes:
            return ReadyWhen.PROBE
        return ReadyWhen.NOTIFY if self.notify_is_known else ReadyWhen.REGISTERED

    def when_of(self, life: Life) -> ReadyWhen:
        """What decides for this life. A spare says that it is ready before it begins to wait, whatever others do."""
        return ReadyWhen.NOTIFY if life.role is Role.SPARE else self.when

    def begin(self, life: Life, condition: Condition, now: Instant, *, adopted: bool) -> None:
        """A life has a process. One that was adopted has said long ago what it says only once."""
        when = self.when_of(life)
        if when in SAID or self._spec.probes:
            condition.start_by = now + self._spec.start_timeout_s
        once = adopted and when not in {ReadyWhen.REGISTERED, ReadyWhen.PROBE}
        condition.is_met = once or when is ReadyWhen.STARTED

    def weigh(self, life: Life, condition: Condition, now: Instant) -> None:
        """Has what it waits for come by now? That is kept in ``condition.is_met``."""
        if condition.is_met:
            return
        when = self.when_of(life)
        if when is ReadyWhen.PROBE:
            condition.is_met = condition.all_probes_passed
        elif when is ReadyWhen.REGISTERED and condition.registered:
            condition.is_met = True
        else:
            at = self.due(life, condition)
            condition.is_met = at is not None and at <= now

    def due(self, life: Life, condition: Condition) -> Instant | None:
        """When it will be ready by having lived so long, if nothing happens."""
        if condition.is_met:
            return None
        when = self.when_of(life)
        if when is ReadyWhen.AFTER:
            return condition.since + self._spec.ready_after_s
        if when is ReadyWhen.REGISTERED and (self.is_away or condition.registered is not None):
            return condition.since + self._spec.register_grace_s
        return None
