"""The first screen: is all as wanted, the workers, how they heal, what happened."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from autohealer.tui.screens.output import OutputScreen
from autohealer.tui.screens.view import View
from autohealer.tui.screens.worker import WorkerScreen
from autohealer.tui.widgets.agents import AgentsPanel
from autohealer.tui.widgets.banner import Banner
from autohealer.tui.widgets.events import EventsPanel
from autohealer.tui.widgets.fleet import FleetMap
from autohealer.tui.widgets.heals import HealsChart
from autohealer.tui.widgets.keybar import KeyBar
from autohealer.tui.widgets.output import OutputPanel
from autohealer.tui.widgets.workers import WorkersTable

BORDERS = 2
TITLES = 1
LOW, LEAST_OUTPUT = 10, 7
"""Heals and events have so many lines before the chosen worker's output is shown below them, in so many or more."""


class PoolScreen(View):
    """A pool at a glance."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "details", "details", tooltip="the chosen worker: story, curves, output"),
        Binding("l", "output", "output", tooltip="the output of the chosen worker"),
        Binding("L", "all_output", "all output", tooltip="the output of all workers, merged"),
        Binding("e", "events", "events", tooltip="the events alone, and back"),
        Binding("slash", "filter", "filter", tooltip="show only rows with this text: slot, state, cause"),
        Binding(
            "s", "sort", "sort", tooltip="by the next of slot, trouble, uptime, restarts, CPU, memory; S: reversed"
        ),
        Binding("S", "reverse", "reverse", show=False),
        Binding("plus,equals_sign", "scale(1)", "", key_display="+", show=False),
        Binding("minus", "scale(-1)", "scale", key_display="+/-", tooltip="more workers, or fewer"),
        Binding("x", "kill", "kill", tooltip="kill the chosen worker, to see it heal"),
        Binding("r", "restart", "restart", tooltip="restart all workers, one after the other"),
        Binding("p", "app.pools", "pools", tooltip="all pools of this host"),
        Binding("tab", "app.focus_next", "next panel", show=False, tooltip="from the workers to events and output"),
        Binding("escape", "clear", "clear the filter", show=False),
        Binding("question_mark", "app.help", "help"),
        Binding("d", "app.detach", "detach", tooltip="give the terminal back; the pool goes on"),
        Binding("q", "app.stop", "stop", tooltip="stop the pool, on every host"),
        Binding("q,d", "app.leave", "leave", key_display="q", tooltip="leave; the pool goes on"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._followed: tuple[str, int | None] | None = None
        """The pool and the slot whose output is shown below."""
        self._is_of_events = False
        """Whether the events have the screen for themselves."""

    def compose(self) -> ComposeResult:
        """Banner, table, and what there is room for below it."""
        yield Banner(id="banner")
        yield WorkersTable()
        with Horizontal(id="low"):
            yield HealsChart()
            yield FleetMap()
            yield AgentsPanel()
            yield EventsPanel()
        yield OutputPanel(with_slots=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Keys go to the table."""
        self.table.focus()
        self.share_room()

    def on_resize(self) -> None:
        """Another size."""
        self.share_room()

    @property
    def table(self) -> WorkersTable:
        """The workers."""
        return self.query_one(WorkersTable)

    def update_panels(self) -> None:
        """What is known may want another arrangement, too."""
        self.share_room()
        super().update_panels()
        self._follow_chosen()

    def share_room(self) -> None:
        """Share out the room: the banner what it needs, the table what its rows need, the rest below.

        Where much is left, the output of the chosen worker has the lowest part of it.
        """
        width, height = self.size
        banner = self.query_one(Banner)
        rows, agents = len(self.dashboard.state.rows), len(self.dashboard.state.status.agents)
        top = banner.room(width, height)
        room = height - top - 1
        least_low = 0 if height < 14 else 5 if height < 20 else max(7, height // 3)
        if rows + BORDERS + TITLES + 7 <= room:
            least_low = min(least_low, 7)  # all rows are worth more than a larger plot
        table = max(min(rows, room - least_low - BORDERS - TITLES), 3) + BORDERS + TITLES
        if self._is_of_events:
            table = 0
        low = max(0, room - table)
        overflows = rows + BORDERS + TITLES > table
        output = low - max(LOW, low * 2 // 5) if not overflows and self.dashboard.source.is_local else 0
        if output < LEAST_OUTPUT:
            output = 0
        low -= output
        heals, fleet = self.query_one(HealsChart), self.query_one(FleetMap)
        wanted: tuple[tuple[object, str, object], ...] = (
            (banner, "height", top),
            (self.query_one("#low"), "height", low),
            (self.query_one(OutputPanel), "height", output),
        )
        for widget, rule, value in wanted:
            if getattr(widget.styles, rule) is None or getattr(widget.styles, rule).value != value:  # type: ignore[attr-defined]  # a widget of Textual's
                setattr(widget.styles, rule, value)  # type: ignore[attr-defined]  # the same
        self.table.display, self.query_one(OutputPanel).display = table > 0, output > 0
        self.query_one("#low").display = low > 2
        heals.display = width >= 76 and not self._is_of_events
        fleet.display = overflows and width >= 110 and low >= 7 and not self._is_of_events
        self.query_one(AgentsPanel).display = agents > 1 and width >= 100 and not self._is_of_events

    def _follow_chosen(self) -> None:
        """The output of the chosen worker, where there is room for it."""
        output, row = self.query_one(OutputPanel), self.table.worker
        if not output.display or row is None or self._followed == (self.dashboard.pool, row.slot):
            return
        self._followed = self.dashboard.pool, row.slot
        output.follow_worker(row)

    # ---- keys

    def on_workers_table_details_wanted(self) -> None:
        """A double click."""
        self.action_details()

    def action_details(self) -> None:
        """The worker's own screen."""
        if (row := self.table.worker) is not None:
            self.app.push_screen(WorkerScreen(row.key))

    def action_output(self) -> None:
        """Its output, large."""
        if (row := self.table.worker) is not None:
            self.app.push_screen(WorkerScreen(row.key, large=True))

    def action_all_output(self) -> None:
        """Everybody's output."""
        if self.dashboard.source.is_local:
            self.app.push_screen(OutputScreen())
        else:
            self.dashboard.say("the output is on the workers' own hosts")

    def action_filter(self) -> None:
        """Only rows with this text."""

        def narrow(needle: str) -> None:
            self.table.needle = needle
            self.table.update()

        self.ask_text("filter: a slot, a state, a cause", self.table.needle, narrow)

    def action_events(self) -> None:
        """All of the screen for the events, or not."""
        self._is_of_events = not self._is_of_events
        self.share_room()
        (self.query_one(EventsPanel) if self._is_of_events else self.table).focus()
        self.call_after_refresh(self.update_panels)

    def action_clear(self) -> None:
        """All rows again."""
        if self._is_of_events:
            self.action_events()
        self.table.needle = ""
        self.table.update()

    def action_sort(self) -> None:
        """The next order."""
        self.dashboard.say(f"sorted by {self.table.next_order()}")

    def action_reverse(self) -> None:
        """The other way round."""
        self.table.order_by(self.table.ordered_by)

    def action_scale(self, step: int) -> None:
        """Another target."""
        self.dashboard.asking.scale(step)

    def action_kill(self) -> None:
        """Kill the chosen one."""
        if (row := self.table.worker) is not None:
            self.dashboard.asking.kill(row)

    def action_restart(self) -> None:
        """Replace them all."""
        self.dashboard.asking.restart(None)
