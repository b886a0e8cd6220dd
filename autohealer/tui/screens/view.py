"""What the screens have in common: panels that look again a few times a second, and a line to type into."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from autohealer.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from autohealer.tui.app import Dashboard


class View(Screen[None]):
    """A whole screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "app.pools", "pools", show=False, tooltip="all pools of this host"),
        Binding("t", "app.theme", "theme", show=False, tooltip="dark or light"),
    ]

    @property
    def dashboard(self) -> Dashboard:
        """The application."""
        return cast("Dashboard", self.app)

    def update_panels(self) -> None:
        """Have every panel look again."""
        for widget in self.query():
            if isinstance(widget, Panel):
                widget.update()

    def on_screen_resume(self) -> None:
        """It is in front again."""
        self.update_panels()

    def ask_text(self, label: str, value: str, changed: Callable[[str], None]) -> None:
        """A line at the bottom to type into: ``changed`` hears of every key. Enter keeps it, Escape clears it."""
        if not self.query(Prompt):
            self.mount(Prompt(label, value, changed))


class Prompt(Input):
    """One line of text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear"),
        Binding("enter", "keep", "keep", priority=True),
    ]

    def __init__(self, label: str, value: str, changed: Callable[[str], None]) -> None:
        super().__init__(value, placeholder=label, id="prompt", compact=True, select_on_focus=False)
        self._changed_to = changed

    def on_mount(self) -> None:
        """Keys come here from now on."""
        self.cursor_blink = False
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another text."""
        self._changed_to(event.value)

    def action_keep(self) -> None:
        """Leave it as it is."""
        self.remove()

    def action_clear(self) -> None:
        """Take it back."""
        self._changed_to("")
        self.remove()
