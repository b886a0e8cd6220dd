"""What all workers write, merged as it comes, each line in its slot's colour and with its slot's number."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from autohealer.tui.screens.view import View
from autohealer.tui.widgets.banner import Banner
from autohealer.tui.widgets.keybar import KeyBar
from autohealer.tui.widgets.output import OutputPanel


class OutputScreen(View):
    """All output of the workers of this host."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace,left", "app.pop_screen", "back", key_display="esc"),
        Binding("slash", "search", "search"),
        Binding("question_mark", "app.help", "help"),
        Binding("q", "app.pop_screen", "back", show=False),
    ]

    def compose(self) -> ComposeResult:
        """The banner stays: what goes wrong is seen here, too."""
        yield Banner(id="banner")
        yield OutputPanel(with_slots=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """Read from now on."""
        output = self.query_one(OutputPanel)
        output.focus()
        output.follow_all()

    def update_panels(self) -> None:
        """The banner takes one line more where another pool is not as wanted."""
        self.query_one(Banner).styles.height = 2 + bool(self.dashboard.others)
        super().update_panels()

    def action_search(self) -> None:
        """Look for a text."""
        output = self.query_one(OutputPanel)
        self.ask_text("search the output", output.needle, output.search)
