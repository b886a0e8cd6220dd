"""The application: what it knows of the pool, its screens, and what it asks for."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.style import Style
from textual.app import App
from textual.binding import Binding, BindingType
from textual.worker import Worker

from autohealer.errors import AutohealerError, UnreachableError
from autohealer.runtime.dashboard import DETACHED, SUSPENDED, TERMINAL_LOST
from autohealer.tui.agent_source import AgentSource
from autohealer.tui.asking import Asking
from autohealer.tui.background import in_background
from autohealer.tui.driver import TerminalDriver
from autohealer.tui.findings import OtherPool, in_brief, is_as_wanted
from autohealer.tui.pools import PoolsOfHost, PoolSummary
from autohealer.tui.screens.help import Help
from autohealer.tui.screens.output import OutputScreen
from autohealer.tui.screens.pool import PoolScreen
from autohealer.tui.screens.pools import PoolsScreen
from autohealer.tui.screens.view import View
from autohealer.tui.screens.worker import WorkerScreen
from autohealer.tui.state import SAMPLE_S, PoolState
from autohealer.tui.theme import styles, themes
from autohealer.tui.widgets.output import OutputPanel
from autohealer.tui.widgets.pools import PoolsPanel
from autohealer.tui.widgets.workers import WorkersTable
from autohealer.views.units import count

if TYPE_CHECKING:
    from textual.driver import Driver

    from autohealer.runtime.state_dir import StateDir
    from autohealer.tui.source import News, PoolSource

FRAME_S = 0.25
SAID_S = 4.0
BESIDE_S, BESIDE_RESTS = 3.0, 20
"""How often the agent's other pools are looked at, and how many times as long as a look takes is waited after it."""


class AppOutcome:
    """How the application ended: what is to be said of it when the screen is left, and the exit code."""

    def __init__(self, code: int, words: str = "") -> None:
        self.code, self.words = code, words


class TerminalScreen(NamedTuple):
    """The terminal that is drawn on."""

    driver_class: type[Driver] | None = None
    """What speaks to it; None: what Textual takes."""

    colored: bool = True
    theme: str = "dark"


DARK = TerminalScreen()


class Dashboard(App[AppOutcome]):
    """One pool, live. ``leaves``: to quit is to leave it, and not to end it (``top``). ``lists_pools``: all first."""

    CSS_PATH = "dashboard.tcss"
    TITLE = "autohealer"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "repaint", "draw all anew", show=False),
        Binding("ctrl+z", "suspend", "back to the shell, until `fg`", show=False, priority=True),
    ]

    def __init__(
        self,
        source: PoolSource,
        *,
        folder: StateDir,
        leaves: bool,
        lists_pools: bool = False,
        now: Callable[[], float] = time.time,
        screen: TerminalScreen = DARK,
    ) -> None:
        colored, theme = screen.colored, screen.theme
        super().__init__(driver_class=screen.driver_class, ansi_color=None if colored else True)
        self.source, self.folder, self.leaves = source, folder, leaves
        self.pools, self._lists_pools = PoolsOfHost(folder.base), lists_pools
        self.now, self._colored = now, colored
        self.state = PoolState()
        self.others: list[OtherPool] = []
        """The other pools of this agent that are not as wanted."""
        self.asking = Asking(self)
        self.said = ""
        self._said_at = 0.0
        self._must_draw = True
        self._second = 0
        self._listening: Worker[None] | None = None
        self._has_ended = self._has_switched = False
        for made in themes():
            self.register_theme(made)
        self.theme = theme
        self.styles_by_name: dict[str, Style] = styles(theme, colored=colored)

    # ---- what it knows

    @property
    def pool(self) -> str:
        """The pool that is shown."""
        return self.folder.pool

    def clock_text(self) -> str:
        """The time of day here."""
        return datetime.fromtimestamp(self.now()).astimezone().strftime("%H:%M:%S")

    def hear(self, news: News) -> None:
        """Something new."""
        now = self.now() if self.source.beats else None
        if news.snapshot is not None:
            self.state.replace(news.snapshot, now)
        if news.changes is not None:
            self.state.change(news.changes, now)
        if news.event is not None:
            self.state.take(news.event)
        if news.error is not None:
            self.say(news.error)
        if news.end is not None:
            self._pool_ended(news.end.left)
        self._must_draw = True

    def say(self, text: str) -> None:
        """Tell the person at the keys, for a while."""
        self.said, self._said_at, self._must_draw = text, self.now(), True

    # ---- life

    def get_default_screen(self) -> PoolScreen:
        """The pool."""
        return PoolScreen()

    def on_mount(self) -> None:
        """Listen, and look again a few times a second."""
        self._heed_signals()
        self.app_resume_signal.subscribe(self, lambda _: self.action_repaint())  # after `fg` the screen is empty
        self._listening = self.run_worker(self._listen(), exit_on_error=True)
        self.set_interval(FRAME_S, self._frame)
        self.set_interval(SAMPLE_S, self._sample)
        self.run_worker(self._look_beside(), exit_on_error=True)
        if self._lists_pools or (not (self.leaves or self.said) and self.pools.beside(self.pool)):
            self.push_screen(PoolsScreen())  # of several, the first alone may be well

    def _heed_signals(self) -> None:
        """Leave the screen in order, whoever ends us. Ctrl-C is the agent's where there is one beside us."""
        if not isinstance(self._driver, TerminalDriver):
            return
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, self.exit, AppOutcome(128 + signum))
        if self.leaves:
            loop.add_signal_handler(signal.SIGINT, self.exit, AppOutcome(0))

    async def _listen(self) -> None:
        try:
            await self.source.listen(self.hear)
        except AutohealerError as error:
            if self._has_switched:
                self._look_at_others(str(error))
                return
            self.exit(AppOutcome(error.exit_code, f"error: {error}" + (f"; {error.hint}" if error.hint else "")))
            return
        if not (self._has_ended or self._exit):
            here = self.state.here
            pid = f" (pid {here.pid})" if here.pid is not None else ""
            left = _left(sum(row.pid is not None for row in self.state.rows.values()))
            self.exit(AppOutcome(UnreachableError.exit_code, f"the agent{pid} has gone without a word: {left}"))

    def _sample(self) -> None:
        self.state.sample()

    async def _look_beside(self) -> None:
        """Whether all goes well with the other pools of this agent, too. One that does not answer is told already."""
        while True:
            began, pool = time.monotonic(), self.pool
            found = await in_background(partial(self.pools.look_beside, pool))
            now = self.now()
            others = [
                OtherPool(each.name, in_brief(each.state, now))
                for each in found
                if each.state is not None and not is_as_wanted(each.state, now)
            ]
            if pool == self.pool and others != self.others:
                self.others, self._must_draw = others, True
            await asyncio.sleep(max(BESIDE_S, (time.monotonic() - began) * BESIDE_RESTS))

    def _pool_ended(self, left: int) -> None:
        """It was told so. Where its process runs other pools, these are what there is to look at."""
        self._has_ended = True
        if self.pools.beside(self.pool):
            self._look_at_others(f"pool {self.pool} has ended")
        else:
            self.exit(AppOutcome(0, _left(left) if self.leaves or left else ""))

    def is_over(self, pool: PoolSummary) -> bool:
        """Whether this one's end has been told already, and its process is only about to let go of it."""
        return self._has_ended and pool.name == self.pool and pool.state is None

    def _look_at_others(self, why: str) -> None:
        """There is nothing more to see of this pool."""
        self.say(why)
        if not isinstance(self.screen, PoolsScreen):
            self.push_screen(PoolsScreen())

    def show_pool(self, name: str) -> None:
        """Another pool of this host."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if name == self.pool and not self._has_ended:
            return
        if self._listening is not None:
            self._listening.cancel()
        self.folder = self.pools.folder(name)
        self.source, self.state, self.others = AgentSource(self.folder), PoolState(), []
        self._has_ended, self._has_switched, self._must_draw = False, True, True
        self._listening = self.run_worker(self._listen(), exit_on_error=True)

    def _frame(self) -> None:
        """Draw what is new; once a second also what only time changes."""
        if isinstance(self._driver, TerminalDriver) and not self._driver.is_in_foreground():
            if not self.leaves:  # the agent starts another one once it has the terminal again
                self.exit(AppOutcome(TERMINAL_LOST))
            return
        now = self.now()
        if self.said and now - self._said_at > SAID_S:
            self.said, self._must_draw = "", True
        if not self._must_draw and int(now) == self._second:
            return
        self._must_draw, self._second = False, int(now)
        if isinstance(self.screen, View):
            self.screen.update_panels()

    # ---- the ways out

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Beside an agent the way out is to stop the pool; elsewhere it is to leave it alone."""
        if action in ("stop", "detach"):
            return not self.leaves
        return self.leaves if action == "leave" else True

    def action_leave(self) -> None:
        """Nothing ends but what is seen."""
        self.exit(AppOutcome(0))

    def action_detach(self) -> None:
        """Give the terminal back for good; the agent does the rest."""
        self.asking.ask(
            f"Detach from pool {self.pool}?",
            "It goes on without this terminal; `autohealer top` shows it again.",
            lambda: self.exit(AppOutcome(DETACHED)),
        )

    def action_stop(self) -> None:
        """End the pool, if the answer is yes."""
        self.asking.stop()

    # ---- keys that hold everywhere

    def action_help(self) -> None:
        """All keys."""
        others = {"app.stop", "app.detach"} if self.leaves else {"app.leave"}
        pool = [key for key in PoolScreen.BINDINGS if not (isinstance(key, Binding) and key.action in others)]
        of_output = [*OutputScreen.BINDINGS, *OutputPanel.BINDINGS]
        groups: dict[type[View], tuple[str, Sequence[BindingType]]] = {
            PoolScreen: ("Pool", [*pool, *WorkersTable.BINDINGS]),
            WorkerScreen: ("Worker", [*WorkerScreen.BINDINGS, *OutputPanel.BINDINGS]),
            OutputScreen: ("Output", of_output),
            PoolsScreen: ("Pools", [*PoolsScreen.BINDINGS, *PoolsPanel.BINDINGS]),
            View: ("Everywhere", View.BINDINGS),
        }
        here = type(self.screen)
        ordered = sorted(groups.items(), key=lambda group: group[0] is not here)
        self.push_screen(Help([group for _, group in ordered]))

    def action_pools(self) -> None:
        """All pools of this host."""
        self.push_screen(PoolsScreen())

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = "light" if self.theme == "dark" else "dark"
        self.styles_by_name = styles(self.theme, colored=self._colored)
        self.action_repaint()

    def action_repaint(self) -> None:
        """All of it: something else has written to the terminal, or all looks different."""
        self.screen.refresh(layout=True)
        for panel in self.screen.query("Panel"):
            panel.refresh()

    def action_suspend(self) -> None:
        """Give the terminal back to the shell. The agent beside us does the rest, and starts another dashboard."""
        if self.leaves:
            self.action_suspend_process()
        else:
            self.exit(AppOutcome(SUSPENDED))

    async def action_quit(self) -> None:
        """What Textual binds to Ctrl-Q: leaving must not be a slip of the finger."""


def _left(workers: int) -> str:
    """What goes on, and what can be done about it."""
    if not workers:
        return "no worker is left"
    verb = "goes on" if workers == 1 else "go on"
    return f"{count(workers, 'worker')} {verb}; the same `autohealer run` takes over, `autohealer stop` ends them"
