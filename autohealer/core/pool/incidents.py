"""The one story of each death, verdict and failed start: what it was, who saw it, what came of it.

An incident is opened when a life dies unasked, when a sense finds it faulty, or when a process did not come to be, and
closed when the replacement in its slot is ready. What people are told of causes is taken from here, and not worked out
again; nor whether a replacement was due at once, which makes its start a heal, or came after a backoff. Each change of
an incident is handed on whole (``RecordIncident``); the last one with its id counts.
What befalls a spare is no incident: nothing is missing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from autohealer.core.actions import Action, RecordIncident
from autohealer.core.events import Evidence, SpawnFailed
from autohealer.core.incident import Exit, Incident, IncidentKind, IncidentOutcome
from autohealer.core.model import Instant, Sense, Verdict
from autohealer.core.pool.life import Ended, Life, Role

# What senses of a kind look by.
NOTICED_BY = {Sense.REGISTRATION: "session"}


class Incidents:
    """The incidents that are open: by worker while that lives, by slot from its end to the heal."""

    def __init__(self, order: Callable[[Action], None]) -> None:
        self._order = order
        self._living: dict[str, Incident] = {}
        self._ended: dict[int, Incident] = {}
        self._killed_by: dict[str, str] = {}
        self._waits_since: dict[int, Instant] = {}

    @property
    def open(self) -> list[Incident]:
        """How those stand whose end is not known yet."""
        return [*self._living.values(), *self._ended.values()]

    # ---- what opens one

    def killed_by(self, worker: str, by: str) -> None:
        """Somebody asked for the worker to be killed: its death will be theirs."""
        self._killed_by[worker] = by

    def judged(self, life: Life, verdict: Verdict, now: Instant, *, held: bool, since: Instant | None = None) -> None:
        """A sense finds the life faulty, and its verdict is carried out, or ``held``. ``since``: it had been so."""
        if life.role is Role.SPARE:
            return
        former = self._living.get(life.worker)
        if former is None or former.cause != verdict.sense:
            former = self._of_life(
                life,
                IncidentKind.VERDICT,
                now,
                cause=str(verdict.sense),
                detail=verdict.detail,
                noticed_by=NOTICED_BY.get(verdict.sense, "sense"),
                noticed_ms=None if since is None else _ms(now - since),
            )
        outcome, action = (IncidentOutcome.HELD, "left running") if held else (IncidentOutcome.OPEN, "stopped")
        incident = replace(former, detail=verdict.detail, outcome=outcome, action=action)
        if incident != self._living.get(life.worker):
            self._living[life.worker] = incident
            self._record(incident)

    def recovered(self, life: Life) -> None:
        """A verdict that was held is none any more."""
        incident = self._living.pop(life.worker, None)
        if incident is not None:
            self._record(incident, is_closed=True)

    def learnt(self, life: Life, evidence: Evidence) -> None:
        """What the worker was doing when it was found faulty."""
        if (incident := self._living.get(life.worker)) is not None:
            self._living[life.worker] = replace(incident, evidence=evidence)

    def ended(self, end: Ended, *, is_replaced: bool) -> None:
        """A life is over, and its replacement has been ordered, or not yet.

        A verdict that was held, on one that was stopped because somebody asked, ends with it.
        """
        life, by = end.life, self._killed_by.pop(end.life.worker, None)
        if life.role is Role.SPARE:
            return
        incident = self._living.pop(life.worker, None)
        exited = Exit(end.code, end.signal, end.oom)
        if end.asked:
            if incident is not None:
                self._record(incident, exit=exited, uptime_s=end.uptime_s, is_closed=True)
            return
        if incident is None or life.verdict is None:
            if incident is not None:
                self._record(incident, is_closed=True)  # it died while its verdict was held
            cause = "oom" if end.oom else "exit" if end.signal is None else "signal"
            incident = self._of_life(
                life,
                IncidentKind.DEATH,
                end.at,
                cause=cause,
                detail=end.description,
                noticed_by="pidfd",
                action="killed" if by else "",
                exit=exited,
                uptime_s=end.uptime_s,
                by=by,
                decided_ms=0.0 if is_replaced else None,
            )
        else:
            decided_ms = _ms(end.at - incident.opened) if is_replaced else None
            incident = replace(incident, exit=exited, uptime_s=end.uptime_s, by=by, decided_ms=decided_ms)
        self._await_heal(incident)

    def not_started(self, life: Life, failed: SpawnFailed) -> None:
        """No process came of a start."""
        cause = failed.name or "error"
        self._await_heal(
            self._of_life(life, IncidentKind.SPAWN, failed.at, cause=cause, detail=failed.error, noticed_by="spawn")
        )

    # ---- what comes of it

    def waits(self, slot: int, now: Instant) -> None:
        """The next start in this slot waits from now on."""
        self._waits_since[slot] = now
        self._change(slot, outcome=IncidentOutcome.BACKOFF)

    def decided(self, slot: int, now: Instant) -> None:
        """A replacement has been ordered."""
        if (incident := self._ended.get(slot)) is not None and incident.decided_ms is None:
            self._ended[slot] = replace(incident, decided_ms=_ms(now - incident.opened))

    def started(self, life: Life, now: Instant, *, how: str) -> float | None:
        """A replacement has its process; ``how``: it was started again, or a spare was promoted.

        How many milliseconds its slot had waited in a backoff; None where it was due at once: then it is a heal.
        """
        if life.slot is None:
            return None
        since = self._waits_since.pop(life.slot, None)
        waited_ms = None if since is None else _ms(now - since)
        incident = self._ended.get(life.slot)
        if incident is not None:
            self._ended[life.slot] = replace(
                incident,
                started_ms=_ms(now - incident.opened),
                backoff_ms=waited_ms,
                replacement=life.worker,
                action=", ".join(filter(None, (incident.action, how))),
                outcome=IncidentOutcome.OPEN,
            )
        return waited_ms

    def ready(self, life: Life, now: Instant) -> None:
        """The replacement is ready: that is the heal."""
        if life.slot is not None and (incident := self._ended.get(life.slot)) is not None:
            self._close(life.slot, outcome=IncidentOutcome.HEALED, ready_ms=_ms(now - incident.opened))

    def finished(self, slot: int, *, failed: bool) -> None:
        """Nothing is started in this slot any more."""
        self._close(slot, outcome=IncidentOutcome.GAVE_UP if failed else IncidentOutcome.DONE)

    def unneeded(self, slot: int) -> None:
        """The slot is gone. What was open there was healed if its replacement has run."""
        self._waits_since.pop(slot, None)
        if (incident := self._ended.get(slot)) is not None:
            self._close(slot, outcome=IncidentOutcome.DONE if incident.started_ms is None else IncidentOutcome.HEALED)

    # ---- how

    def _of_life(self, life: Life, kind: IncidentKind, now: Instant, **known: Any) -> Incident:
        return Incident(
            id=life.worker,
            kind=kind,
            worker=life.worker,
            pid=life.pid,
            slot=life.slot,
            number=life.number,
            revision=life.revision,
            opened=now,
            **known,
        )

    def _await_heal(self, incident: Incident) -> None:
        """It is open until its slot is healed. What was open there before never was: its replacement has ended, too."""
        if incident.slot is None:
            self._record(incident, outcome=IncidentOutcome.DONE, is_closed=True)
            return
        self._close(incident.slot, outcome=IncidentOutcome.OPEN)
        self._ended[incident.slot] = incident
        self._record(incident)

    def _change(self, slot: int, **fields: Any) -> None:
        incident = self._ended.get(slot)
        if incident is not None:
            self._ended[slot] = replace(incident, **fields)
            self._record(self._ended[slot])

    def _close(self, slot: int, **fields: Any) -> None:
        incident = self._ended.pop(slot, None)
        if incident is not None:
            self._record(incident, **fields, is_closed=True)

    def _record(self, incident: Incident, **fields: Any) -> None:
        self._order(RecordIncident(replace(incident, **fields) if fields else incident))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
