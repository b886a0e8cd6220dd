"""One life: one process from its start to its end, with one worker id; and how it ended."""

from __future__ import annotations

from enum import Enum, StrEnum

import msgspec

from autohealer.core.events import ProcessExited, Usage
from autohealer.core.model import Instant, Verdict
from autohealer.core.pool.lifecycle import WorkerState


class StopStage(Enum):
    """How far the stop of a life has come."""

    WORKING = "working"
    EVIDENCE = "evidence"
    ASKED = "asked"
    KILLED = "killed"


class Role(StrEnum):
    """What a life is there for. Only a REGULAR one has a slot."""

    REGULAR = "regular"
    SURGE = "surge"
    """Beside the slots while a rollout lasts."""
    SPARE = "spare"
    """Started, waiting to be promoted."""
    EXTRA = "extra"
    """Found alive where its slot was taken, or left by a rollout: stopped once the share is known."""


class Life(msgspec.Struct, eq=False):
    """``number`` stands in the worker id and is what ``{slot}`` becomes; ``slot`` is the place it fills, if it does.

    ``state`` is changed by ``Lives`` alone, ``ready`` and ``ready_since`` by the judge (``health``). ``pid`` is None
    until the process runs. ``since``: when it started, or was ordered.
    """

    worker: str
    number: int
    slot: int | None
    role: Role
    revision: int
    since: Instant
    state: WorkerState = WorkerState.STARTING
    pid: int | None = None
    started: str | None = None
    ready: bool = False
    ready_since: Instant | None = None
    first_ready: Instant | None = None
    is_killed: bool = False
    """Somebody asked for it to be killed."""
    on_trial: bool = False
    """It was found faulty while a rollout judged it: its end counts for nothing but that."""
    is_unneeded: bool = False
    """Its stop was ordered before there was a process to stop."""
    stage: StopStage | None = None
    verdict: Verdict | None = None
    """Why it is being stopped, where a sense found it faulty."""
    held: Verdict | None = None
    """The verdict on it that is not carried out."""
    address: str | None = None
    """Where it is reached."""
    announced: str | None = None
    """The address that is to stand in the service registry."""
    cpu: float | None = None
    """The part of a core that it used between its last two samples; before the second one, since its start."""
    rss: int | None = None
    sampled_at: Instant = 0.0
    cpu_s: float = 0.0
    busy: bool = False
    """It says that it works on something (``worker.task``)."""

    def sample(self, usage: Usage, now: Instant) -> None:
        """Keep what it uses, for people to look at."""
        passed_s = now - (self.since if self.rss is None else self.sampled_at)
        self.cpu = max(0.0, usage.cpu_s - self.cpu_s) / passed_s if passed_s > 0 else None
        self.cpu_s, self.rss, self.sampled_at = usage.cpu_s, usage.rss, now

    @property
    def is_stopping(self) -> bool:
        """Whether its stop has begun: nobody can be found faulty any more, and nothing else is asked of it."""
        return self.stage is not None


class Ended(msgspec.Struct, frozen=True):
    """How a life ended. ``asked``: somebody asked for that, so that it is no death, whatever the code."""

    at: Instant
    life: Life
    code: int | None
    signal: str | None
    asked: bool
    oom: bool = False
    """The kernel killed it for want of memory."""

    @property
    def uptime_s(self) -> float:
        """How long it lived."""
        return self.at - self.life.since

    @property
    def exit(self) -> str:
        """The end of the process in as few words as can be: ``exit 1``, ``SIGKILL``, ``ended`` where nobody saw it."""
        if self.signal is not None:
            return self.signal
        return "ended" if self.code is None else f"exit {self.code}"

    @property
    def last_exit(self) -> str:
        """What the next worker finds in AUTOHEALER_LAST_EXIT: ``3``, ``SIGKILL``, or nothing."""
        if self.signal is not None:
            return self.signal
        return "" if self.code is None else str(self.code)

    @property
    def cause(self) -> str:
        """What ended it: the sense that condemned it, else the exit."""
        return str(self.life.verdict.sense) if self.life.verdict else self.exit

    @property
    def description(self) -> str:
        """The same in words."""
        verdict = self.life.verdict
        if verdict is None and self.oom:
            return "killed by the kernel for want of memory"
        return f"{verdict.sense}: {verdict.detail}" if verdict else describe_exit(self.code, self.signal)


_SHELL_CODES = {126: "the command could not be executed", 127: "command not found"}


def describe_exit(code: int | None, signal: str | None) -> str:
    """How a process ended, in words. 126 and 127 are what a shell says of a command that it could not run."""
    if signal is not None:
        return f"killed by {signal}"
    if code is None:
        return "ended (its exit code went to another process)"
    return f"exit code {code} ({_SHELL_CODES[code]})" if code in _SHELL_CODES else f"exit code {code}"


def ended(event: ProcessExited, life: Life) -> Ended:
    """The end of this life. A life that a sense condemned was not stopped because somebody asked."""
    asked = life.is_stopping and life.verdict is None
    return Ended(event.at, life, event.code, event.signal, asked, event.oom)
