"""The worker: registers, works, and commits its faults when their time has come."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from autohealer import worker as autohealer
from flaky_worker.faults import Fault, Life, draw_life
from flaky_worker.options import Options, parse
from flaky_worker.server import Server

if TYPE_CHECKING:
    from autohealer.coordination.registry.registration import Registration

ENDING_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
LEAK_STEP_S = 0.02
FOR_EVER_S = 1e6
MIB = 1024 * 1024


class FlakyError(Exception):
    """What a bug would have raised."""


class _AskedToEndError(Exception):
    """SIGTERM or SIGINT has come."""


def main() -> None:
    """Live one life, as the command line and the environment have it."""
    # Blocked, and waited for where the worker rests: so no handler can break into anything half done.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    options = parse(sys.argv[1:], os.environ)
    life = draw_life(
        options.weights,
        seed=options.seed,
        slot=options.slot,
        mean_life_s=options.mean_life_s,
        mean_start_delay_s=options.start_delay_s,
    )
    Worker(options).live(life)


class Worker:
    """One worker, on the main thread; its registration is tended by threads of its own."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._registration: Registration | None = None
        self._server = _serve(os.environ.get("PORT"))
        self._deaf = self._mute = self._idles = False
        self._done = 0
        self._held: list[bytes] = []
        self._born = time.monotonic()

    def live(self, life: Life) -> None:
        """Return when asked to end; a fault may make sure that this never happens."""
        say(f"started: pid {os.getpid()}, slot {self._options.slot or 'none'}, seed {self._options.seed}")
        try:
            if life.start_delay_s:
                say(f"fault: {Fault.SLOW_START}, {life.start_delay_s:.1f} s")
                self._rest(life.start_delay_s)
            self._registration = _register(self._options)
            autohealer.debuggable()
            if life.becomes_ready:
                autohealer.ready()
            else:
                say(f"fault: {Fault.NEVER_READY}")
                self._mute = True
            for blow in life.blows:
                self._work(blow.after_s)
                self._commit(blow.fault)
            self._work(float("inf"))
        except _AskedToEndError:
            self._leave()
            say("ended as asked")

    def _work(self, for_s: float) -> None:
        until = time.monotonic() + for_s
        while (left := until - time.monotonic()) > 0:
            self._rest(min(left, self._options.work_every_s))
            say(f"working: up {time.monotonic() - self._born:.1f} s")
            self._done += not self._idles
            if self._server is not None:
                self._server.work_done = self._done
            if not self._mute:
                autohealer.beat(progress=self._done)

    def _rest(self, for_s: float) -> None:
        until = time.monotonic() + for_s
        while caught := signal.sigtimedwait(ENDING_SIGNALS, max(0.0, until - time.monotonic())):
            if not self._deaf:
                raise _AskedToEndError
            say(f"deaf: {signal.Signals(caught.si_signo).name} ignored")

    def _leave(self) -> None:
        if self._registration is not None:
            self._registration.close()
            self._registration = None

    def _commit(self, fault: Fault) -> None:
        say(f"fault: {fault}")
        match fault:
            case Fault.EXCEPTION:
                raise FlakyError("a bug, on purpose")
            case Fault.EXIT:
                sys.exit(self._options.exit_code)
            case Fault.SEGFAULT:
                _segfault()
            case Fault.LEAK:
                self._leak()
            case Fault.HANG:
                os.kill(os.getpid(), signal.SIGSTOP)
                say("resumed")
            case Fault.STUCK:
                _stuck()
            case Fault.SPIN:
                _spin()
            case Fault.LOST_SESSION:
                self._leave()
            case Fault.DEAF:
                self._deaf = True
            case _:
                self._fall_ill(fault)

    def _fall_ill(self, fault: Fault) -> None:
        """What only senses find: the process lives, and its session does."""
        match fault:
            case Fault.ERRORS:
                if self._server is not None:
                    self._server.is_well = False
            case Fault.NO_BEAT:
                self._mute = True
            case Fault.NO_PROGRESS:
                self._idles = True
            case Fault.LONG_TASK:
                with autohealer.task("a task without end"):
                    self._work(float("inf"))
            case Fault.SILENT:
                self._rest(FOR_EVER_S)
            case Fault.BLOAT:
                self._grow()
            case Fault.CLEAN_EXIT:
                self._leave()
                sys.exit(0)

    def _leak(self) -> None:
        self._grow()
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out

    def _grow(self) -> None:
        for _ in range(self._options.leak_mib):
            self._held.append(b"\1" * MIB)  # not zeros: those would cost no memory
            self._rest(LEAK_STEP_S)


def say(text: str) -> None:
    """One line, written at once and whole, from whichever thread; that nobody reads it harms nothing."""
    with suppress(OSError):
        os.write(1, f"{text}\n".encode())


def _register(options: Options) -> Registration | None:
    """Imports kazoo only here: ``--help`` and a slow start do without, and a worker can work without."""
    try:
        from autohealer.coordination.registry.registration import Registration, entry_from  # noqa: PLC0415 - it imports kazoo
    except ModuleNotFoundError as error:
        say(f"working unregistered: this Python has no {error.name}")
        return None
    entry = entry_from(os.environ, anonymous=options.anonymous)
    registration = Registration(options.zk, entry, session_timeout_s=options.session_timeout_s, report=say)
    registration.open()
    return registration


def _serve(port: str | None) -> Server | None:
    try:
        return Server(int(port)) if port else None
    except (OSError, ValueError) as error:
        say(f"no HTTP on port {port}: {error}")
        return None


def _segfault() -> None:
    import ctypes  # noqa: PLC0415 - a worker that lives on never needs it
    import resource  # noqa: PLC0415 - as above

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # chaos need not fill the disk
    ctypes.string_at(0)


def _stuck() -> NoReturn:
    while True:
        time.sleep(3600)


def _spin() -> NoReturn:
    while True:
        pass
