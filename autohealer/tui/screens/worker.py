"""One worker: what it is, its curves, its story, its output."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from autohealer.errors import AutohealerError
from autohealer.runtime.incident_reader import known_incidents
from autohealer.tui.background import in_background
from autohealer.tui.findings import in_brief, is_as_wanted
from autohealer.tui.screens.view import View
from autohealer.tui.widgets.facts import CurvePanel, FactsPanel
from autohealer.tui.widgets.keybar import KeyBar
from autohealer.tui.widgets.output import OutputPanel
from autohealer.tui.widgets.story import StoryPanel
from autohealer.views.units import count

STORY_S = 2.0
MOST_INCIDENTS = 20
FACTS_LINES = 4


class WorkerScreen(View):
    """``key`` is the row's. ``large``: the output has the screen for itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace,left", "app.pop_screen", "back", key_display="esc"),
        Binding("slash", "search", "search"),
        Binding("l", "enlarge", "output", tooltip="the output alone, and back"),
        Binding("tab", "app.focus_next", "story", show=False, tooltip="from the output to the story, and back"),
        Binding("r", "restart", "restart", tooltip="restart this worker"),
        Binding("x", "kill", "kill", tooltip="kill this worker, to see it heal"),
        Binding("question_mark", "app.help", "help"),
        Binding("q", "app.pop_screen", "back", show=False),
    ]

    def __init__(self, key: str, *, large: bool = False) -> None:
        super().__init__()
        self._key, self._large = key, large

    def compose(self) -> ComposeResult:
        """Facts on top, then story and curves, then the output."""
        yield FactsPanel(self._key, id="facts")
        with Horizontal(id="middle"):
            yield StoryPanel(self._key)
            yield CurvePanel(self._key, of="memory")
            yield CurvePanel(self._key, of="cpu")
        yield OutputPanel(with_slots=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Read its output from now on."""
        output = self.query_one(OutputPanel)
        output.focus()
        facts = self.query_one(FactsPanel)
        slot = facts.worker.slot
        facts.border_title = f"worker {slot}" if slot is not None else "worker"
        if output.follow_worker(facts.worker):
            self.run_worker(self._follow_story(str(slot)))
        self._share_room()

    async def _follow_story(self, slot: str) -> None:
        """Read its incidents again and again, as long as it is shown."""
        story = self.query_one(StoryPanel)
        look = partial(known_incidents, self.dashboard.folder, worker=slot, most=MOST_INCIDENTS)
        while self.is_attached:
            with suppress(AutohealerError):
                story.tell(await in_background(look))
            await asyncio.sleep(STORY_S)

    def update_panels(self) -> None:
        """Also what is to be said, and whether all goes well beside it."""
        label = self.dashboard.said or self._elsewhere()
        facts = self.query_one(FactsPanel)
        if facts.border_subtitle != label:
            facts.border_subtitle = label
        super().update_panels()

    def _elsewhere(self) -> str:
        """What is not as wanted with the pool, and with other pools of this agent."""
        dashboard, parts = self.dashboard, []
        if not is_as_wanted(dashboard.state, dashboard.now()):
            parts.append(f"✗ pool {dashboard.pool}: {in_brief(dashboard.state, dashboard.now())}")
        if dashboard.others:
            parts.append(f"✗ {count(len(dashboard.others), 'other pool')} not as wanted: p")
        return ", ".join(parts)

    def on_resize(self) -> None:
        """Another size."""
        self._share_room()

    def action_enlarge(self) -> None:
        """All of the screen for the output, or not."""
        self._large = not self._large
        self._share_room()

    def action_search(self) -> None:
        """Look for a text in the output."""
        output = self.query_one(OutputPanel)
        self.ask_text("search the output", output.needle, output.search)

    def action_restart(self) -> None:
        """Replace this one."""
        self.dashboard.asking.restart(self.query_one(FactsPanel).worker)

    def action_kill(self) -> None:
        """Kill it, to see it heal."""
        self.dashboard.asking.kill(self.query_one(FactsPanel).worker)

    def _share_room(self) -> None:
        width, height = self.size
        wide, middle = width >= 100, self.query_one("#middle")
        middle.display = not self._large
        facts = self.query_one(FactsPanel)
        facts.styles.height = 2 + len(facts.lines(max(10, width - 4), FACTS_LINES))
        middle.styles.height = max(5, min(14, height * 2 // 5))
        self.query_one("#memory").display = width >= 70
        self.query_one("#cpu").display = wide
        self.call_after_refresh(self.update_panels)
