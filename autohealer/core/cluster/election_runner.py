"""One candidate of an election: does it lead, may its command run, and what is to be done about it?

Level-based: facts are folded in, then what should be is compared with what is. The command runs only while leadership
is proven and a watchdog holds the end of it, and it is started again only when nothing of its former life is left.
The watchdog ends it when authority runs out, without any order of ours; orders are for what comes earlier.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import msgspec

from autohealer.core.cluster.lease import Lease
from autohealer.core.model import Instant

KILLED = 130
GONE_WITHIN_S = 1.0


class Prove(msgspec.Struct, frozen=True):
    """Ask ZooKeeper whether the candidate's node stands, by a request that the leader of the ensemble answers."""

    epoch: int


class GuardCommand(msgspec.Struct, frozen=True):
    """Tell the watchdog until when the command may run."""

    stop_at: Instant
    kill_at: Instant


class StartCommand(msgspec.Struct, frozen=True):
    """Start the command."""

    epoch: int


class KillCommand(msgspec.Struct, frozen=True):
    """Kill the command without the watchdog, which cannot be had."""


class Announce(msgspec.Struct, frozen=True):
    """Leadership was won or lost."""

    elected: bool


class Leave(msgspec.Struct, frozen=True):
    """End with this code. ``clean``: nothing is left of the command, so that the next one may lead at once."""

    code: int
    clean: bool


Order = Prove | GuardCommand | StartCommand | KillCommand | Announce | Leave


class Phase(enum.Enum):
    """The life of the command."""

    NONE = enum.auto()
    RUNNING = enum.auto()
    ENDING = enum.auto()


class Candidacy:
    """Facts in, orders out. Every fact is followed by a call of `orders`, and so is the moment of `next_deadline`."""

    def __init__(self, *, has_command: bool, stop_timeout: float) -> None:
        self._has_command, self._stop_timeout = has_command, stop_timeout
        self._authority = Lease()
        self._connected = self._guarded = self._elected = self._left = False
        self._epoch: int | None = None
        self._phase = Phase.NONE
        self._exited = self._cleared = self._killed = False
        self._ending: GuardCommand | None = None
        self._asked_to_stop = False
        self._code: int | None = None
        self._last_chance: Instant | None = None
        self._told: GuardCommand | None = None

    # ---- facts

    def connected(self, session_timeout: float) -> None:
        """There is a connection, in a session with this timeout."""
        self._connected = True
        self._authority.granted(session_timeout)

    def disconnected(self) -> None:
        """There is none. What was proven counts on."""
        self._connected = False

    def won(self, epoch: int) -> None:
        """The candidate is the first; that is the czxid of its node."""
        if epoch != self._epoch:
            self.lost()
            self._epoch = epoch

    def lost(self) -> None:
        """Its node is gone, or its session, which comes to the same: others may lead."""
        self._epoch = None
        self._authority.ended()

    def proven(self, epoch: int, asked_at: Instant) -> None:
        """What was asked at that moment has been answered: the node stood."""
        if epoch == self._epoch:
            self._authority.answered(asked_at)

    def guarded(self, yes: bool) -> None:
        """A watchdog is ready, or it is gone and another one is on its way."""
        self._guarded = yes

    def unguardable(self, now: Instant) -> None:
        """No watchdog can be had."""
        self._guarded = False
        if self._phase is not Phase.NONE:
            self._end(now, now)

    def exited(self, now: Instant, code: int) -> None:
        """The command has ended. If nobody has asked it to, then so has the candidacy."""
        if self._phase is Phase.RUNNING and self._leads(now):
            self._code = code
            self._end(now, now + self._stop_timeout)
        self._exited = True

    def cleared(self) -> None:
        """The watchdog finds nothing more of it."""
        self._cleared = True

    def stop(self, now: Instant) -> None:
        """Somebody wants us to end; the second time, at once."""
        if not self._asked_to_stop:
            self._asked_to_stop = True
            self._code = 0 if self._code is None else self._code
            if self._phase is Phase.RUNNING:
                self._end(now, now + self._stop_timeout)
        else:
            self._code, self._last_chance = KILLED, now + GONE_WITHIN_S
            if self._phase is not Phase.NONE:
                self._end(now, now)

    # ---- orders

    def orders(self, now: Instant) -> Iterator[Order]:
        """What is to be done now. Each order is taken as done when the next one is asked for."""
        if self._left:
            return
        yield from self._prove(now)
        leads = self._leads(now)
        if self._phase is Phase.RUNNING and not leads:
            # Where time alone has run out, the watchdog has begun. Where more is known, it is told to hurry, below.
            self._end(now, now if self._told is None else self._told.kill_at)
        if self._phase is Phase.ENDING and self._exited and self._cleared:
            self._phase, self._ending, self._told = Phase.NONE, None, None
        leaves = self._code is not None and (self._phase is Phase.NONE or self._is_last_chance(now))
        if self._elected and (leaves or not leads):
            self._elected = False
            yield Announce(elected=False)
        if leaves and self._code is not None:
            self._left = True
            yield Leave(self._code, clean=self._phase is Phase.NONE)
            return
        if leads and not self._elected and self._code is None:
            self._elected = True
            yield Announce(elected=True)
        if self._has_command:
            yield from self._command(now, leads)

    def next_deadline(self) -> Instant | None:
        """When to ask for orders again though nothing has happened; a moment of the past means now."""
        moments = [self._last_chance]
        ending = self._phase is Phase.ENDING
        if ending and self._told is not None and self._is_due_to_kill(self._told, self._told.kill_at):
            moments.append(self._told.kill_at)
        if self._epoch is not None:
            moments.append(self._authority.stop_at if self._elected else None)
            if self._connected:
                moments.append(self._authority.ask_at())
        return min((moment for moment in moments if moment is not None), default=None)

    def _leads(self, now: Instant) -> bool:
        return self._epoch is not None and self._authority.holds(now)

    def _is_last_chance(self, now: Instant) -> bool:
        return self._last_chance is not None and now >= self._last_chance

    def _prove(self, now: Instant) -> Iterator[Order]:
        if self._epoch is not None and self._connected:
            ask_at = self._authority.ask_at()
            if ask_at is None or now >= ask_at:
                self._authority.asked(now)
                yield Prove(self._epoch)

    def _command(self, now: Instant, leads: bool) -> Iterator[Order]:
        stop_at, kill_at = self._authority.stop_at, self._authority.kill_at
        if self._phase is Phase.ENDING and self._ending is not None:
            yield from self._hurry(now, self._ending, kill_at if leads else None)
        elif leads and self._guarded and stop_at is not None and kill_at is not None:
            yield from self._tell(GuardCommand(stop_at, kill_at))
            if self._phase is Phase.NONE and self._epoch is not None:
                self._phase = Phase.RUNNING
                self._exited = self._cleared = self._killed = False
                yield StartCommand(self._epoch)

    def _hurry(self, now: Instant, ending: GuardCommand, authority: Instant | None) -> Iterator[Order]:
        """See the command to its end, within an authority that may grow, or be gone before its time."""
        told = self._told
        if authority is None:
            authority = now if self._epoch is None or told is None else told.kill_at
        # What is being killed stays so.
        if told is None or told.stop_at > now or told.kill_at > now:
            yield from self._tell(GuardCommand(ending.stop_at, min(ending.kill_at, authority)))
        if self._told is not None and self._is_due_to_kill(self._told, now):
            self._killed = True
            yield KillCommand()

    def _is_due_to_kill(self, told: GuardCommand, now: Instant) -> bool:
        """Is the watchdog's work ours, and has its time come?"""
        return told.kill_at <= now and not (self._guarded or self._exited or self._killed)

    def _tell(self, guard: GuardCommand) -> Iterator[Order]:
        if guard != self._told:
            self._told, self._cleared = guard, False
            yield guard

    def _end(self, now: Instant, kill_at: Instant) -> None:
        """The command has to go: the stop signal now, if it has not had it, and SIGKILL then at the latest."""
        stop_at = self._ending.stop_at if self._ending is not None else now
        self._phase, self._ending = Phase.ENDING, GuardCommand(stop_at, kill_at)
