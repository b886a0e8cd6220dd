"""All pools that run on this host: which of them are as wanted, and which one to look at."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from autohealer.tui.background import in_background
from autohealer.tui.screens.view import View
from autohealer.tui.widgets.keybar import KeyBar
from autohealer.tui.widgets.pools import PoolsPanel

LOOK_S = 2.0


class PoolsScreen(View):
    """Choose a pool."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "show", tooltip="show the chosen pool"),
        Binding("escape,backspace,left,p", "app.pop_screen", "back", key_display="esc"),
        Binding("question_mark", "app.help", "help"),
        Binding("q", "app.pop_screen", "back", show=False),
    ]

    def compose(self) -> ComposeResult:
        """The list."""
        yield PoolsPanel()
        yield KeyBar()

    def on_mount(self) -> None:
        """Look again and again, as long as it is shown."""
        self.query_one(PoolsPanel).focus()
        self.run_worker(self._look())

    async def _look(self) -> None:
        panel = self.query_one(PoolsPanel)
        while self.is_attached:
            found = await in_background(self.dashboard.pools.look)
            panel.show_pools([pool for pool in found if not self.dashboard.is_over(pool)])
            await asyncio.sleep(LOOK_S)

    def on_pools_panel_chosen(self) -> None:
        """A double click."""
        self.action_choose()

    def action_choose(self) -> None:
        """Show it."""
        name = self.query_one(PoolsPanel).chosen
        if name is not None:
            self.dashboard.show_pool(name)
