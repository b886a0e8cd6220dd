"""``autohealer top``."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from autohealer.cli.support.asking import settled
from autohealer.cli.support.dashboard import Dashboard
from autohealer.cli.support.file_tail import FileTail
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.terminals import can_draw, in_order
from autohealer.cli.support.where import Where
from autohealer.core.operations import Answer, Operation, refused
from autohealer.errors import AutohealerError, UsageError
from autohealer.views.pool import of_status
from autohealer.views.units import unix

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient
    from autohealer.runtime.screen import Screen

LOOK_S = 1.0
ASK_S = 60.0
RESTS = 10
"""After a look that took long there is none for so many times as long: others want an answer, too."""
PAST_EVENTS = 5000


def run(where: Where) -> int:
    """Show the pool live, from any host: what the dashboard of `run` shows, as far as it can be known there."""
    address = PoolAddress(where)
    if not can_draw():
        raise UsageError(
            "stdout is no terminal that can be drawn on", "see `autohealer status` and `autohealer events -f` instead"
        )
    done = threading.Event()
    with ExitStack() as stack:
        looking = _Looking(address, stack.enter_context(_Session(address)))
        looking.look()  # where there is nothing to see, better now than on another screen
        stack.enter_context(in_order())
        dashboard = Dashboard(address.state, done.set, leaves_only=True)
        stack.callback(dashboard.close)
        looking.begin(dashboard.screen)
        dashboard.begin(looking.stir, partial(_ask, address))
        stack.enter_context(suppress(KeyboardInterrupt))  # the other way to leave
        while not done.wait(LOOK_S):
            if dashboard.screen.failure is not None:
                raise AutohealerError(f"the dashboard broke: {dashboard.screen.failure!r}", "see `autohealer status`")
    return 0


def _ask(address: PoolAddress, wanted: Operation, answered: Callable[[Answer], object]) -> None:
    """Have it done, in a thread of its own: the pool may take its time."""

    def run() -> None:
        try:
            with address.asked(wanted.verb, wanted.subject) as pending:
                answered(settled(pending.wait(ASK_S), "nobody has answered yet"))
        except AutohealerError as error:
            answered(refused(str(error)))

    threading.Thread(target=run, name="asking", daemon=True).start()


class _Session(AbstractContextManager["_Session"]):
    """A console of the pool that is opened when it is needed, and kept until it breaks."""

    def __init__(self, address: PoolAddress) -> None:
        self._address = address
        self._stack = ExitStack()
        self._console: PoolClient | None = None

    def console(self) -> PoolClient:
        """The console. Raises UnreachableError."""
        if self._console is None:
            self._console = self._stack.enter_context(self._address.console())
        return self._console

    def end(self) -> None:
        """Let it go; the next one is a new one."""
        self._console = None
        self._stack.close()

    def __exit__(self, *_: object) -> None:
        self.end()


class _Looking:
    """Asks for the status and reads the event log, in a thread of its own: ZooKeeper may take its time."""

    def __init__(self, address: PoolAddress, session: _Session) -> None:
        self._address, self._session = address, session
        self._here: str | None = None
        self._growing: FileTail | None = None
        self._stirred = threading.Event()
        self._look_at = 0.0
        self.status: dict[str, Any] = {}

    def begin(self, screen: Screen) -> None:
        """Show what there is whenever somebody wants to see it."""
        threading.Thread(target=self._run, args=(screen,), name="looking", daemon=True).start()

    def stir(self) -> None:
        """Somebody wants to see how things stand."""
        self._stirred.set()

    def look(self) -> None:
        """Ask anew, unless that was a moment ago."""
        began = time.monotonic()
        if began < self._look_at:
            return
        try:
            self.status = pool_status(self._address, self._session.console)
        except AutohealerError:
            self._session.end()
            raise
        finally:
            ended = time.monotonic()
            self._look_at = ended + max(LOOK_S, (ended - began) * RESTS)
        ledger = self._address.ledger() if self._address.runs_here else None
        agents = {agent["agent"] for agent in self.status["agents"]}
        self._here = ledger.facts.agent if ledger and ledger.facts.agent in agents else None

    def _run(self, screen: Screen) -> None:
        while True:
            self._stirred.wait()
            self._stirred.clear()
            try:
                self.look()
            except AutohealerError as error:
                # What was known stays on the screen, with a word on it: the pool may be back in a moment.
                screen.say(str(error))
            if self._here is not None:
                self._tell(screen)
            view = of_status(self.status, self._here, None if self.status["connected"] else self._away_s())
            screen.show(lambda view=view: view)  # type: ignore[misc]  # a default is how a lambda keeps a value

    def _tell(self, screen: Screen) -> None:
        """What has happened on this host since."""
        first = self._growing is None
        self._growing = self._growing or FileTail(self._address.state.events_path)
        for line in deque(self._growing.lines(), maxlen=PAST_EVENTS if first else None):
            with suppress(ValueError):
                screen.take(json.loads(line))

    def _away_s(self) -> float | None:
        since = unix(self._address.ask("away_since"))
        return None if since is None else time.time() - since
