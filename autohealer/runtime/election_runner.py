"""`autohealer elect`: a candidate, its command and its watchdog, wired to what ``core.cluster`` decides."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Callable, Mapping

import msgspec

from autohealer.coordination.election.candidate import Candidate
from autohealer.coordination.session.access import PLAIN, Access
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core.cluster import election_runner as candidacy
from autohealer.core.cluster.election_runner import Candidacy
from autohealer.errors import AutohealerError
from autohealer.processes.child import ChildProcess
from autohealer.processes.launch.command import Command
from autohealer.processes.launch.environment import PREFIX
from autohealer.processes.launch.setup import become_subreaper
from autohealer.processes.reaper import Reaper
from autohealer.processes.tree.strays import Strays
from autohealer.processes.watchdog.owner import Watchdog, WatchdogCallbacks, now
from autohealer.runtime.first_contact import FirstContact
from autohealer.runtime.foreground import Foreground

CANDIDATE = "AUTOHEALER_CANDIDATE"
WATCHDOG_AGAIN_S = 0.5
STRAYS_S = 0.5


class ElectOptions(msgspec.Struct, frozen=True):
    """What ``autohealer elect`` was asked for, checked."""

    zookeeper: str
    path: str
    command: Command | None
    session_timeout_s: float = 6.0
    connect_timeout_s: float = 15.0
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 10.0
    access: Access = PLAIN


def candidate_name() -> str:
    """Names host and process, and nobody else even where those are the same."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def run_elect(
    options: ElectOptions, name: str, announce: Callable[[str, str | None], None], warn: Callable[[str], None]
) -> int:
    """Stand for election until told to stop, or until the command has ended; the exit code.

    ``announce`` gets the event (elected, deposed, leader) and who leads; ``warn`` what a person should know meanwhile.
    """
    return asyncio.run(Elect(options, name, announce, warn).run())


class Elect:
    """The shell around a candidacy: facts in, one call for orders, one timer out."""

    def __init__(
        self, options: ElectOptions, name: str, announce: Callable[[str, str | None], None], warn: Callable[[str], None]
    ) -> None:
        self._options, self._name, self._announce, self._warn = options, name, announce, warn
        self._candidacy = Candidacy(has_command=options.command is not None, stop_timeout=options.stop_timeout_s)
        self._child: ChildProcess | None = None
        self._named: int | None = None
        self._watchdog: Watchdog | None = None
        self._reaper = Reaper()
        self._strays: Strays | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._leader: str | None = None
        self._watchdog_was_ready = False

    async def run(self) -> int:
        """Until the end."""
        options = self._options
        self._loop = loop = asyncio.get_running_loop()
        self._foreground = Foreground(self._signalled)
        self._candidate = Candidate(
            Ensemble(options.zookeeper, options.session_timeout_s, options.access),
            options.path,
            self._name,
            observer=self,
            scheduler=Scheduler(loop.call_soon_threadsafe, loop.call_later),
        )
        if options.command is not None:
            self._strays = Strays(self._reaper, come=become_subreaper())
            self._watchdog = Watchdog(
                loop,
                {CANDIDATE: self._name},
                options.stop_signal,
                WatchdogCallbacks(self._guarded, self._unguarded, self._cleared),
                reaper=self._reaper,
            )
            self._start_watchdog(self._watchdog)
        self._candidate.connect()
        self._first_contact = FirstContact(
            options.access, options.zookeeper, options.connect_timeout_s, told=self._warn, failed=self._fail
        )
        self._first_contact.begin()
        return await self._foreground.code()

    # ---- facts: ZooKeeper (CandidateObserver)

    def connected(self, session_timeout: float) -> None:
        """There is a connection, in a session with this timeout."""
        self._first_contact.drop()
        self._candidacy.connected(session_timeout)
        self._step()

    def disconnected(self) -> None:
        """There is none."""
        self._candidacy.disconnected()
        self._step()

    def won(self, epoch: int) -> None:
        """The candidate is the first."""
        self._candidacy.won(epoch)
        self._step()

    def lost(self) -> None:
        """Its node is gone, or its session."""
        self._candidacy.lost()
        self._step()

    def proven(self, epoch: int, asked_at: float) -> None:
        """Its node stood when this was asked."""
        self._candidacy.proven(epoch, asked_at)
        self._step()

    def led_by(self, name: str) -> None:
        """Another one leads."""
        if name != self._leader:
            self._leader = name
            self._announce("leader", name)

    def denied(self, what: str) -> None:
        """ZooKeeper refuses the credentials. A command that runs goes on for as long as authority lasts."""
        if self._child is None:
            self._fail(AutohealerError(what, "check AUTOHEALER_ZK_AUTH"))

    # ---- facts: this host

    def _signalled(self) -> None:
        self._candidacy.stop(now())
        self._step()

    def _exited(self, code: int) -> None:
        self._child = None
        self._candidacy.exited(now(), code)
        self._step()

    def _guarded(self) -> None:
        self._watchdog_was_ready = True
        self._candidacy.guarded(True)
        self._step()

    def _cleared(self) -> None:
        if self._strays is not None:
            self._strays.end_all(STRAYS_S)  # what bore no mark that the watchdog knows
        if self._watchdog is not None and self._named is not None:
            # Not before: by its number was known what it had left in its session.
            self._watchdog.remove(self._named)
            self._named = None
        self._candidacy.cleared()
        self._step()

    def _unguarded(self) -> None:
        """The watchdog has died or is frozen. One that has never been ready would not be at once, either."""
        self._candidacy.guarded(False)
        if self._watchdog is not None and self._watchdog_was_ready:
            self._start_watchdog(self._watchdog)
        else:
            self._no_watchdog()

    def _start_watchdog(self, watchdog: Watchdog) -> None:
        if self._foreground.has_ended:
            return
        self._watchdog_was_ready = False
        try:
            watchdog.start()
        except OSError:
            self._no_watchdog()

    def _no_watchdog(self) -> None:
        self._candidacy.unguardable(now())
        if self._watchdog is not None:
            self._loop.call_later(WATCHDOG_AGAIN_S, self._start_watchdog, self._watchdog)
        self._step()

    # ---- orders

    def _step(self) -> None:
        for order in self._candidacy.orders(now()):
            self._perform(order)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._candidacy.next_deadline()
        # The loop's clock stands still while the machine is suspended: so look again now and then.
        delay = None if deadline is None else min(max(0.0, deadline - now()), 1.0)
        self._timer = None if delay is None or self._foreground.has_ended else self._loop.call_later(delay, self._step)

    def _perform(self, order: candidacy.Order) -> None:
        match order:
            case candidacy.Prove(epoch):
                self._candidate.prove(epoch, now())
            case candidacy.GuardCommand(stop_at, kill_at) if self._watchdog is not None:
                self._watchdog.extend(stop_at, kill_at)
            case candidacy.StartCommand(epoch):
                self._start(epoch)
            case candidacy.KillCommand() if self._child is not None:
                self._child.kill()
            case candidacy.Announce(elected):
                self._leader = self._name if elected else None
                self._announce("elected" if elected else "deposed", self._leader)
            case candidacy.Leave(code, clean):
                self._leave(code, clean)

    def _start(self, epoch: int) -> None:
        options = self._options
        if options.command is None or self._watchdog is None:
            return
        environ = command_environment(os.environ, options, self._name, epoch)
        try:
            self._child = ChildProcess(self._loop, options.command, environ, self._exited, self._reaper)
        except OSError as error:
            self._fail(AutohealerError(f"cannot start {options.command.argv[0]}: {error.strerror}"))
        else:
            self._named = self._child.pid
            self._watchdog.add(self._named)

    def _leave(self, code: int, clean: bool) -> None:
        """Where something is left of the command, the watchdog ends it, and the session outlives it."""
        if clean and self._watchdog is not None:
            self._watchdog.release()
        self._candidate.close(withdraw=clean)
        self._foreground.end(code)

    def _fail(self, error: AutohealerError) -> None:
        if not self._foreground.has_ended:
            self._foreground.fail(error)
            if self._watchdog is not None:
                self._watchdog.release()
            self._candidate.close(withdraw=True)


def command_environment(environ: Mapping[str, str], options: ElectOptions, name: str, epoch: int) -> dict[str, str]:
    """Our own, less our options and secrets, and what the command needs to know of its term."""
    return {
        **{name: value for name, value in environ.items() if not name.startswith(PREFIX)},
        "AUTOHEALER_ZK": options.zookeeper,
        "AUTOHEALER_ELECTION": options.path,
        "AUTOHEALER_EPOCH": str(epoch),
        CANDIDATE: name,
    }
