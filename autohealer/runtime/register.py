"""`autohealer register`: an address in the service registry while a command runs, or while we do, and is well."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Callable

import msgspec

from autohealer.coordination.pool.paths import Paths
from autohealer.coordination.registry.address import Address
from autohealer.coordination.session.access import PLAIN, Access
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.errors import AutohealerError
from autohealer.processes.child import ChildProcess
from autohealer.processes.launch.command import Command
from autohealer.processes.launch.environment import PREFIX
from autohealer.processes.probes.http import HttpProbe
from autohealer.processes.probes.life import ProbeAnswer, ProbedLife
from autohealer.processes.probes.prober import Prober, Timing
from autohealer.processes.probes.resolver import Resolver
from autohealer.runtime.first_contact import FirstContact
from autohealer.runtime.foreground import Foreground

KILLED = 130


class RegisterOptions(msgspec.Struct, frozen=True):
    """What ``autohealer register`` was asked for, checked."""

    zookeeper: str
    pool: str
    service: str
    address: str
    command: Command | None
    check: str | None = None
    check_interval_s: float = 2.0
    check_timeout_s: float = 2.0
    session_timeout_s: float = 6.0
    connect_timeout_s: float = 15.0
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 10.0
    access: Access = PLAIN


def run_register(options: RegisterOptions, tell: Callable[[str], None]) -> int:
    """Register until told to stop, or until the command has ended; the exit code. ``tell`` gets a line for people."""
    return asyncio.run(Register(options, tell).run())


class Register:
    """The shell: a session with ZooKeeper, then the command and the checks, then the address."""

    def __init__(self, options: RegisterOptions, tell: Callable[[str], None]) -> None:
        self._options, self._tell = options, tell
        self._child: ChildProcess | None = None
        self._prober: Prober | None = None
        self._problem: str | None = None
        self._begun = self._stopping = False

    async def run(self) -> int:
        """Until the end."""
        options = self._options
        self._loop = loop = asyncio.get_running_loop()
        self._foreground = Foreground(self._signalled)
        self._address = Address(
            Ensemble(options.zookeeper, options.session_timeout_s, options.access),
            f"{Paths('', options.pool).services}/{options.service}",
            options.address,
            name=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
            observer=self,
            call_soon=loop.call_soon_threadsafe,
        )
        self._address.connect()
        self._first_contact = FirstContact(
            options.access,
            options.zookeeper,
            options.connect_timeout_s,
            told=lambda text: self._tell(f"warning: {text}"),
            failed=self._foreground.fail,
        )
        self._first_contact.begin()
        try:
            return await self._foreground.code()
        finally:
            self._address.close()
            if self._prober is not None:
                self._prober.close()

    # ---- ZooKeeper (AddressObserver)

    def connected(self) -> None:
        """ZooKeeper answers: now, and only once, the command is started."""
        self._first_contact.drop()
        if self._begun or self._stopping:
            return
        self._begun = True
        try:
            self._start()
        except OSError as error:
            self._foreground.fail(AutohealerError(f"cannot start the command: {error.strerror}"))
            return
        if self._options.check is None:
            self._address.want(True)
        else:
            self._check(self._options.check)

    def registered(self, name: str) -> None:
        """The address stands."""
        self._tell(f"registered {self._options.service} at {self._options.address} as {name}")

    def withdrawn(self) -> None:
        """It does not stand any more."""
        self._tell(f"withdrawn {self._options.service} at {self._options.address}")

    def refused(self, why: str) -> None:
        """It cannot be registered. A command that runs is not stopped over it."""
        if self._child is None:
            self._foreground.fail(AutohealerError(why))
        else:
            self._tell(f"warning: {why}")

    # ---- the command

    def _start(self) -> None:
        options = self._options
        if options.command is not None:
            environ = {
                **{name: value for name, value in os.environ.items() if not name.startswith(PREFIX)},
                "AUTOHEALER_ZK": options.zookeeper,
                "AUTOHEALER_SERVICE": options.service,
                "AUTOHEALER_ADDRESS": options.address,
            }
            self._child = ChildProcess(self._loop, options.command, environ, self._exited)

    def _exited(self, code: int) -> None:
        self._child = None
        self._foreground.end(0 if self._stopping else code)

    def _signalled(self) -> None:
        """First the address goes, so that nobody new comes, then the command; the second time all at once."""
        if self._stopping or self._child is None:
            if self._child is not None:
                self._child.kill()
            self._foreground.end(KILLED if self._stopping else 0)
            return
        self._stopping = True
        self._first_contact.drop()
        self._address.want(False)
        self._child.send_signal(self._options.stop_signal)
        self._loop.call_later(self._options.stop_timeout_s, self._kill)

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    # ---- the checks

    def _check(self, url: str) -> None:
        """Ask again and again; the address stands while the answer is good."""
        timing = Timing(self._options.check_interval_s, self._options.check_timeout_s)
        probe = HttpProbe(self._loop, Resolver(self._loop), url)
        self._prober = Prober(self._loop, [probe], timing, self._checked)
        self._prober.start(ProbedLife(self._options.service, os.getpid(), 0, None))

    def _checked(self, _worker: str, _probe: str, answer: ProbeAnswer, _weight: float) -> None:
        problem = None if answer.ok else answer.detail
        if problem is not None and problem != self._problem:
            self._tell(f"the check of {self._options.service} fails: {problem}")
        self._problem = problem
        if not self._stopping:
            self._address.want(problem is None)
