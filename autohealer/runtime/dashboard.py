"""The dashboard's process, as the agent in front of which it stands sees it.

It shares the agent's terminal and process group, and nothing else: Ctrl-C is the kernel's signal to the agent,
whatever the dashboard is doing. The agent saves the terminal's modes before it starts one, and restores them whenever
it is gone. One that has ended by itself is followed by lines; one that gave the terminal back for Ctrl-Z, or has lost
it to another job, by another dashboard once the agent is in the foreground again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from autohealer.processes.launch.exits import signal_name
from autohealer.processes.launch.spawn import DEFAULTED
from autohealer.processes.reaper import Reaper, reap
from autohealer.runtime.terminal import SavedTerminal

SUSPENDED = 20
"""The exit code of a dashboard that was asked, by Ctrl-Z, to give the terminal back for a while."""
DETACHED = 21
"""And of one that was asked to give it back for good, while the pool goes on."""
TERMINAL_LOST = 22
"""And of one that found another job in the foreground: a shell takes the terminal when the agent is stopped."""
LEAVE_WITHIN_S = 0.7
"""How long one may take to leave the screen when the agent ends: a second Ctrl-C has to end all within a second."""
FOREGROUND_S = 1.0
RESTORE_AGAIN_S, RESTORE_TRIES = 0.2, 50


class DashboardProcess:
    """At most one at a time. ``shown`` is told whenever the screen is the dashboard's, or no longer.

    Its second argument says why it is not, where that is nothing that was asked for.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reaper: Reaper,
        arguments: Sequence[str],
        shown: Callable[[bool, str], None],
    ) -> None:
        self._loop, self._reaper, self._arguments, self._shown = loop, reaper, arguments, shown
        self._terminal = SavedTerminal()
        self._pid: int | None = None
        self._pidfd = -1
        self._gone: asyncio.Future[None] | None = None
        self._is_closing = False
        self.leave: Callable[[], str] = lambda: "this agent stays"
        """Ends the agent and not its workers; says why not, where that cannot be."""
        self.is_detached = False
        """Whether the agent has been left so, for another one without a terminal to go on."""
        self._waiting: asyncio.TimerHandle | None = None

    def start(self, said: str = "") -> None:
        """Start it, if the terminal is ours now; else once it is. ``said``: what it is to tell first."""
        self._waiting = None
        if self._is_closing or self._pid is not None:
            return
        if not self._terminal.is_in_foreground():
            self._waiting = self._loop.call_later(FOREGROUND_S, self.start)
            return
        try:
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, *self._arguments, said],
                os.environ,
                # Blocked until it ignores it: a Ctrl-C in between would end it.
                setsigmask=(signal.SIGINT,),
                setsigdef=DEFAULTED,
            )
        except OSError as error:
            self._shown(False, f"the dashboard cannot be started: {error.strerror}")
            return
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError as error:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._shown(False, f"the dashboard cannot be watched: {error.strerror}")
            return
        self._reaper.enter(pid)
        self._pid, self._gone = pid, self._loop.create_future()
        self._loop.add_reader(self._pidfd, self._ended)
        self._shown(True, "")

    async def close(self) -> None:
        """The agent ends: let it leave the screen, or make it."""
        self._is_closing = True
        if self._waiting is not None:
            self._waiting.cancel()
        if self._gone is None or self._pid is None:
            return
        try:
            await asyncio.wait_for(asyncio.shield(self._gone), LEAVE_WITHIN_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._gone), LEAVE_WITHIN_S)

    def _ended(self) -> None:
        pid, self._pid = self._pid, None
        self._loop.remove_reader(self._pidfd)
        status = None
        with suppress(ChildProcessError):
            status = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if pid is not None:
            reap(pid)
            self._reaper.leave(pid)
        os.close(self._pidfd)
        exited = status is not None and status.si_code == os.CLD_EXITED
        code = status.si_status if status is not None else 0
        asked = code if exited else 0
        is_suspended, is_detached, is_lost = asked == SUSPENDED, asked == DETACHED, asked == TERMINAL_LOST
        # Whatever it says, the modes are ours to restore; a kill has kept it from leaving the screen.
        self._restore(leave_screen=not exited)
        why = ""
        if not (self._is_closing or is_suspended or is_detached or is_lost or (exited and code == 0)):
            how = f"exit code {code}" if exited else signal_name(code)
            why = f"the dashboard has ended ({how}); events go on as lines"
        self._shown(False, why)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if is_suspended and not self._is_closing:
            self._suspend()
        elif is_detached and not self._is_closing:
            self._detach()
        elif is_lost:
            self.start()

    def _detach(self) -> None:
        """End, and leave the workers to an agent without a terminal; where that cannot be, be shown again."""
        refusal = self.leave()
        self.is_detached = not refusal
        if refusal:
            self.start(refusal)

    def _restore(self, *, leave_screen: bool, tries: int = RESTORE_TRIES) -> None:
        """Give the terminal back. A living agent waits for none that is stopped, and tries again."""
        patience_s = LEAVE_WITHIN_S / 2 if self._is_closing else 0.0
        if not self._terminal.restore(leave_screen=leave_screen, patience_s=patience_s) and tries:
            self._loop.call_later(RESTORE_AGAIN_S, lambda: self._restore(leave_screen=leave_screen, tries=tries - 1))

    def _suspend(self) -> None:
        """Stop, with all of the group, as Ctrl-Z does; after that, be shown again."""
        os.killpg(os.getpgrp(), signal.SIGTSTP)
        # Here again once somebody continues us; or at once, where nobody could.
        self.start()
