"""An incident as it is kept and shown: one story from a death, a verdict or a failed start to its heal."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from autohealer.core.events import Evidence
from autohealer.core.model import Instant


class IncidentKind(StrEnum):
    """What opened it."""

    DEATH = "death"
    VERDICT = "verdict"
    SPAWN = "spawn"


class IncidentOutcome(StrEnum):
    """What came of it, so far."""

    OPEN = "open"
    """Not healed; where it is closed it never was: the replacement ended before it was ready."""
    HELD = "held"
    BACKOFF = "backoff"
    HEALED = "healed"
    DONE = "done"
    """Nothing was to be started in its place: it had finished, or was not wanted any more."""
    GAVE_UP = "gave-up"
    UNKNOWN = "unknown"
    """The agent ended before its end was known."""


class Exit(msgspec.Struct, frozen=True):
    """How the process ended; both None where nobody saw it. ``oom``: the kernel killed it for want of memory."""

    code: int | None
    signal: str | None
    oom: bool


class Incident(msgspec.Struct):
    """One story, as the core tells it on. What is not known (yet) is None.

    ``id`` is the worker's: a life ends once. ``opened`` is a moment of the agent's clock, which becomes a time where
    the incident is kept. ``noticed_ms``: how long it had been so before it was noticed; the other three count from
    ``opened``: until it was decided to start a replacement, until that had a process, until it was ready.
    ``backoff_ms``: how long the slot had to wait before that; None where the replacement was due at once, and only
    then is the time a heal's.
    ``number`` is that of the file with the worker's output.

    Never changed, only replaced. It is not frozen because one is made within each heal, and a frozen one of so many
    fields takes five times as long.
    """

    id: str
    kind: IncidentKind
    worker: str
    pid: int | None
    slot: int | None
    number: int
    revision: int
    cause: str
    """Of a death ``exit``, ``signal`` or ``oom``; of a verdict its sense; of a start that failed the error's name."""
    detail: str
    opened: Instant
    exit: Exit | None = None
    uptime_s: float | None = None
    noticed_by: str = ""
    noticed_ms: float | None = None
    decided_ms: float | None = None
    started_ms: float | None = None
    ready_ms: float | None = None
    backoff_ms: float | None = None
    evidence: Evidence | None = None
    action: str = ""
    by: str | None = None
    replacement: str | None = None
    outcome: IncidentOutcome = IncidentOutcome.OPEN
    is_closed: bool = False


class IncidentEntry(msgspec.Struct):
    """An incident as it is kept and told: the fields of ``why --json``, in their order. What is not known is None.

    ``opened`` is RFC 3339, ``uptime`` seconds. ``kind`` and ``outcome`` are words of the two above, or those of another
    version that wrote it. Not frozen, as `Incident` is not.
    """

    id: str
    kind: str
    worker: str
    pid: int | None
    slot: int | None
    revision: int | None
    cause: str
    detail: str
    exit: Exit | None
    opened: str
    uptime: float | None
    noticed_by: str | None
    noticed_ms: float | None
    decided_ms: float | None
    started_ms: float | None
    ready_ms: float | None
    backoff_ms: float | None
    evidence: Evidence
    action: str | None
    by: str | None
    replacement: str | None
    outcome: str
