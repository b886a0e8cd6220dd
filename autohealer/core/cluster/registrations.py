"""Who of this agent's workers has registered, for whom the agent stands in, and who has lost it.

A worker may register itself under its own id (identified), under some other name (anonymous), or not at all. Which of
the three a pool does is learnt once, as its *style*; until then a worker that does not register within the grace gets
a stand-in. An identified worker that loses its registration, alone and while ZooKeeper was there, is faulty; when many
lose theirs together, or around an outage, it is ZooKeeper that is suspect: they get stand-ins, and nobody is stopped.
What is known of registrations that name nobody is in ``anonymous``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from math import inf

import msgspec

from autohealer.core.actions import (
    Action,
    MakeStandIn,
    RemoveRegistration,
    WatchRegistration,
    WithdrawStandIn,
)
from autohealer.core.cluster.anonymous import AnonymousRegistrations
from autohealer.core.deadlines import Deadlines
from autohealer.core.model import Instant, PoolSpec, RegistrationMode

LOOK_AGAIN_S = 1.0


class Style(StrEnum):
    """How the workers of this pool have been seen to register."""

    UNKNOWN = "unknown"
    IDENTIFIED = "identified"
    ANONYMOUS = "anonymous"


class StandIn(StrEnum):
    """Why the agent registers for a worker."""

    RULE = "rule"
    AMNESTY = "amnesty"


class WorkerRegistration(msgspec.Struct):
    """What is known of one living worker's registration."""

    since: Instant
    own: bool = False
    had_own: bool = False
    stand_in: StandIn | None = None
    stands: bool = False
    lost_at: Instant | None = None

    @property
    def registered(self) -> bool:
        """Whether a registration names this worker."""
        return self.own or self.stands


class Registrations:
    """The registrations of this agent's living workers.

    ``fault`` is told of each worker that has lost its registration by its own fault, and how; ``ready`` of each that
    a registration names (True), that need not wait for one (False), or of which that cannot be known (None).
    """

    def __init__(
        self,
        spec: PoolSpec,
        style: Style,
        order: Callable[[Action], None],
        fault: Callable[[str, str, Instant], None],
        ready: Callable[[str, bool | None], None],
        *,
        address: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._spec, self._order, self._fault, self._ready = spec, order, fault, ready
        self._address = address
        self.style = style
        self._entries: dict[str, WorkerRegistration] = {}
        self._registered = 0
        self._deadlines: Deadlines[str] = Deadlines()
        self.anonymous = AnonymousRegistrations(order, is_open=self._is_open, young=self._young)
        self._unsettled_until = 0.0
        self._are_silent = False

    # ---- what can be asked

    def registered(self, worker: str) -> bool | None:
        """Whether it has; None where that cannot be told of one worker."""
        entry = self._entries.get(worker)
        if entry is not None and not entry.registered and self.style is Style.ANONYMOUS:
            return None
        return entry is not None and entry.registered

    def owns(self, worker: str) -> bool:
        """Whether the worker has registered itself."""
        entry = self._entries.get(worker)
        return entry is not None and entry.own

    @property
    def identified(self) -> int:
        """How many living workers a registration names."""
        return self._registered

    @property
    def unregistered(self) -> int:
        """How many living workers may hold an anonymous registration."""
        anonymous = self.style is Style.ANONYMOUS or (
            self._spec.registration is RegistrationMode.SELF and self.style is Style.UNKNOWN
        )
        return len(self._entries) - self._registered if anonymous else 0

    def next_deadline(self) -> Instant | None:
        """When ``expire``, or ``anonymous.departed``, is to be called next."""
        due, other = self._deadlines.next(), self.anonymous.next_deadline()
        if due is None or other is None:
            return other if due is None else due
        return min(due, other)

    # ---- workers come and go

    def started(self, worker: str, now: Instant) -> None:
        """A worker runs. With stand-ins by rule it need not wait for a registration, else it must make one.

        Where those before it were given the grace and did not register, a stand-in is there at once: together with the
        end of the dead one's it is one change to ZooKeeper, and should the worker register after all, it is withdrawn.
        """
        self._entries[worker] = WorkerRegistration(now)
        mode = self._spec.registration
        if mode is not RegistrationMode.AGENT:
            self._order(WatchRegistration(worker))
        if mode is RegistrationMode.AGENT or (self._are_silent and self.style is Style.UNKNOWN):
            self._stand_in(worker, StandIn.RULE)
        else:
            self._deadlines.set(worker, now + self._patience_s())
        if mode is not RegistrationMode.SELF or self.style is Style.ANONYMOUS:
            self._ready(worker, None if self.style is Style.ANONYMOUS else False)
        self.anonymous.look_again(now)

    def ended(self, worker: str, now: Instant) -> None:
        """A worker is dead: its registration goes at once, or is expected to go."""
        entry = self._entries.pop(worker, None)
        if entry is None:
            return
        self._registered -= entry.registered
        self._deadlines.set(worker, None)
        self._order(RemoveRegistration(worker))
        if self.style is Style.ANONYMOUS and not entry.registered:
            self.anonymous.died(now)

    # ---- registrations come and go

    def seen(self, worker: str, now: Instant) -> None:
        """The worker has registered itself."""
        entry = self._entries.get(worker)
        if entry is None or entry.own:
            return
        entry.had_own = True
        entry.lost_at = None
        self._set(entry, own=True)
        self._deadlines.set(worker, None)
        if entry.stand_in is not None:
            self._withdraw(worker, entry)
        self._ready(worker, True)
        if self._spec.registration is not RegistrationMode.AGENT:
            self._learn(Style.IDENTIFIED, now)

    def gone(self, worker: str, now: Instant) -> None:
        """The worker's own registration has vanished; it has the grace to come back."""
        entry = self._entries.get(worker)
        if entry is None or not entry.own:
            return
        self._set(entry, own=False)
        entry.lost_at = now
        self._deadlines.set(worker, now + self._spec.register_grace_s)

    def stood_in(self, worker: str) -> None:
        """The agent's registration for the worker stands."""
        entry = self._entries.get(worker)
        if entry is not None and entry.stand_in is not None:
            self._set(entry, stands=True)
            self._ready(worker, True)

    def connections_seen(self, workers: frozenset[str], now: Instant) -> None:
        """These of the workers asked about hold a connection to ZooKeeper."""
        if workers:
            self._learn(Style.ANONYMOUS, now)
        self.anonymous.inspected(now)

    # ---- ZooKeeper comes and goes

    def unsettle(self, until: Instant) -> None:
        """ZooKeeper is, or was just, away: what vanishes until then is nobody's fault."""
        self._unsettled_until = until

    def session_lost(self) -> None:
        """All stand-ins are gone with the session; their order stands, so they will be made again."""
        for entry in self._entries.values():
            self._set(entry, stands=False)

    def expire(self, now: Instant) -> None:
        """Judge every worker whose time has come."""
        self.anonymous.expire(now)
        for worker in self._deadlines.due(now):
            entry = self._entries[worker]
            if entry.lost_at is not None:
                self._judge_loss(worker, entry, now)
            else:
                self._judge_silence(worker, entry, now)

    # ---- how

    def _judge_loss(self, worker: str, entry: WorkerRegistration, now: Instant) -> None:
        lost = {w: e for w, e in self._entries.items() if e.lost_at is not None}
        holders = sum(e.had_own for e in self._entries.values())
        if now < self._unsettled_until or (len(lost) > 1 and len(lost) > holders / 2):
            for other, its in lost.items():
                its.lost_at = None
                self._deadlines.set(other, None)
                self._stand_in(other, StandIn.AMNESTY)
        else:
            entry.lost_at = None
            self._fault(worker, "registration lost", now)

    def _judge_silence(self, worker: str, entry: WorkerRegistration, now: Instant) -> None:
        """The worker has not registered in time."""
        if self.style is Style.ANONYMOUS:
            return
        by_rule = self._spec.registration is RegistrationMode.AUTO and self.style is Style.UNKNOWN
        # A stand-in harms nobody and waits for ZooKeeper alone; to be found faulty takes more.
        if self._unsettled_until == inf if by_rule else now < self._unsettled_until:
            self._deadlines.set(worker, min(self._unsettled_until, now + LOOK_AGAIN_S))
        elif by_rule:
            self._are_silent = True
            self._stand_in(worker, StandIn.RULE)
        else:
            self._fault(worker, f"not registered within {self._spec.start_timeout_s:g} s", now)

    def _is_open(self) -> bool:
        """Whether it is still to be learnt how this pool registers."""
        return self.style is Style.UNKNOWN and self._spec.registration is not RegistrationMode.AGENT

    def _young(self, now: Instant) -> tuple[str, ...]:
        """The workers that may just have registered. An outage does not count: nobody could register."""
        young = now - self._spec.start_timeout_s
        return tuple(w for w, e in self._entries.items() if not e.own and max(e.since, self._unsettled_until) >= young)

    def _patience_s(self) -> float:
        """How long a new worker is waited for before something follows."""
        by_rule = self._spec.registration is RegistrationMode.AUTO and self.style is Style.UNKNOWN
        return self._spec.register_grace_s if by_rule else self._spec.start_timeout_s

    def _learn(self, style: Style, now: Instant) -> None:
        """The pool registers itself: no stand-ins are needed from now on."""
        if self.style is not Style.UNKNOWN:
            return
        self.style = style
        for worker, entry in self._entries.items():
            if entry.stand_in is StandIn.RULE:
                self._withdraw(worker, entry)
                entry.since = now  # nobody could know before that it has to register
            if style is Style.ANONYMOUS:
                self._ready(worker, None)
            elif not entry.own and entry.lost_at is None and entry.stand_in is None:
                self._deadlines.set(worker, max(now, entry.since + self._spec.start_timeout_s))

    def _stand_in(self, worker: str, why: StandIn) -> None:
        self._entries[worker].stand_in = why
        self._order(MakeStandIn(worker, self._address(worker)))

    def _withdraw(self, worker: str, entry: WorkerRegistration) -> None:
        entry.stand_in = None
        self._set(entry, stands=False)
        self._order(WithdrawStandIn(worker))

    def _set(self, entry: WorkerRegistration, own: bool | None = None, stands: bool | None = None) -> None:
        before = entry.registered
        entry.own = entry.own if own is None else own
        entry.stands = entry.stands if stands is None else stands
        self._registered += entry.registered - before
