"""One command: does it succeed? In a session of its own, killed as a tree where it takes too long."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from autohealer.errors import UsageError
from autohealer.processes.launch.command import Command, resolve_command
from autohealer.processes.launch.environment import AGENT
from autohealer.processes.output import printable
from autohealer.processes.probes.life import EXAMPLE, ProbeAnswer, ProbedLife
from autohealer.processes.short_command import CommandResult, ShortCommands

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from autohealer.processes.reaper import Reaper

MOST_OUTPUT = 4096
_DETAIL = 200


class Turns:
    """No more than so many commands run at once; the others wait, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most, self.running = most, 0
        self._waiting: deque[Callable[[], None]] = deque()

    def take(self, start: Callable[[], None]) -> None:
        """Call ``start`` as soon as there is room; it ends with `give_back`."""
        self._waiting.append(start)
        self._let_in()

    def leave(self, start: Callable[[], None]) -> None:
        """Wait no more."""
        with contextlib.suppress(ValueError):
            self._waiting.remove(start)

    def give_back(self) -> None:
        """There is room again."""
        self.running -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.running < self._most:
            self.running += 1
            self._waiting.popleft()()


TURNS = Turns(2 * (os.cpu_count() or 1))
"""Of the whole process, however many pools it runs: commands that hang must not pile up."""


class WorkerSetup(msgspec.Struct, frozen=True):
    """How the workers of a pool run, for a command that is to run like them."""

    environment: Callable[[ProbedLife], Mapping[str, str]]
    cwd: str
    wrap: Callable[[Command], Command] = lambda command: command
    """Gives it the workers' limits and user."""


class ExecProbe:
    """``--probe-exec 'CMD'``: passes with exit code 0. Split as a shell would, and run by none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reaper: Reaper,
        text: str,
        setup: WorkerSetup,
        turns: Turns = TURNS,
    ) -> None:
        """Raises UsageError for what cannot be run."""
        self.name = text
        self.loop, self.turns, self.cwd = loop, turns, setup.cwd
        self.commands = ShortCommands(loop, reaper, MOST_OUTPUT)
        self._environment = setup.environment
        self._command = setup.wrap(parse_command(text, setup.environment(EXAMPLE), setup.cwd))
        self.next: dict[str, ExecAttempt] = {}
        """Who waits for the end of a former command of the same worker: there are never two."""

    def begin(self, life: ProbedLife, done: Callable[[ProbeAnswer], None]) -> ExecAttempt:
        """See `Probe`."""
        argv = tuple(life.fill(word) for word in self._command.argv)
        # Without the agent's id, so that the next agent does not take it for a worker of this one.
        environ = {name: value for name, value in self._environment(life).items() if name != AGENT}
        return ExecAttempt(self, life.worker, Command(self._command.path, argv), environ, done)


class ExecAttempt:
    """See `Attempt`."""

    def __init__(
        self,
        probe: ExecProbe,
        worker: str,
        command: Command,
        environ: Mapping[str, str],
        done: Callable[[ProbeAnswer], None],
    ) -> None:
        self._probe, self._worker, self._command, self._environ, self._done = probe, worker, command, environ, done
        self._is_cancelled = False
        self.began: float | None = None
        if probe.commands.is_running(worker):  # killed, and not gone yet
            probe.next[worker] = self
        else:
            probe.turns.take(self._start)

    def cancel(self) -> None:
        """See `Attempt`. Its end is waited for all the same."""
        self._is_cancelled = True
        self._probe.turns.leave(self._start)
        if self._probe.next.get(self._worker) is self:
            del self._probe.next[self._worker]
        if self.began is not None:
            self._probe.commands.kill(self._worker)

    def _start(self) -> None:
        probe = self._probe
        try:
            os.chdir(probe.cwd)  # it inherits our directory, and another pool may have changed it
            probe.commands.start(self._worker, self._command, self._environ, self._ended)
        except OSError as error:
            probe.turns.give_back()
            self._done(ProbeAnswer(ok=False, detail=f"cannot run it: {error.strerror}"))
            return
        self.began = probe.loop.time()

    def _ended(self, ended: CommandResult) -> None:
        probe = self._probe
        probe.turns.give_back()
        if (following := probe.next.pop(self._worker, None)) is not None:
            probe.turns.take(following._start)  # noqa: SLF001 - another of its own kind
        if not self._is_cancelled:
            self._done(_judge(ended))


def _judge(ended: CommandResult) -> ProbeAnswer:
    if ended.code == 0:
        return ProbeAnswer(ok=True)
    how = f"killed by {ended.signal}" if ended.signal else f"exit code {ended.code}"
    lines = printable(ended.output.decode(errors="replace")).strip().splitlines()
    return ProbeAnswer(ok=False, detail=f"{how}: {lines[-1][:_DETAIL]}" if lines else how)


def parse_command(text: str, environ: Mapping[str, str], cwd: str) -> Command:
    """The command that this text means. Raises UsageError for what cannot be run."""
    try:
        argv = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r} cannot be split into words: {error}", "quote it as for a shell") from None
    return resolve_command(argv, environ, cwd)
