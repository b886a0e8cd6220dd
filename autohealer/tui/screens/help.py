"""Every key of every screen, made from the bindings, and what the glyphs mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from autohealer.tui.widgets.keybar import key_name
from autohealer.views.palette import STATES


class Help(ModalScreen[None]):
    """Keys, a group for each screen. ``groups`` are (name, bindings)."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "back")]

    def __init__(self, groups: Iterable[tuple[str, Iterable[BindingType]]]) -> None:
        super().__init__()
        self._groups = [(name, list(bindings)) for name, bindings in groups]

    def compose(self) -> ComposeResult:
        """A box that scrolls."""
        with VerticalScroll(id="help"):
            yield Static(Group(*self._tables()))

    def _tables(self) -> Iterable[Table | Text]:
        for name, bindings in self._groups:
            table = Table(box=None, show_header=False, padding=(0, 1, 0, 1), title=name, title_justify="left",
                          title_style="bold")  # fmt: skip
            table.add_column(no_wrap=True, style="bold", min_width=8)
            table.add_column()
            for binding in bindings:
                if isinstance(binding, Binding) and binding.description:
                    keys = binding.key_display or " ".join(key_name(key) for key in binding.key.split(","))
                    table.add_row(keys, binding.tooltip or binding.description)
            yield table
            yield Text("")
        glyphs = Table(box=None, show_header=False, padding=(0, 2, 0, 1), title="Glyphs", title_justify="left",
                       title_style="bold")  # fmt: skip
        glyphs.add_column(no_wrap=True, style="bold", min_width=8)
        glyphs.add_column()
        for look in STATES.values():
            glyphs.add_row(look.glyph, look.word)
        glyphs.add_row("◑", "running, not ready yet or no longer")
        glyphs.add_row("★", "the agent that leads")
        yield glyphs
        yield Text(
            " Ctrl-C stops the agent (in `top`: leaves); Ctrl-Z gives the terminal back until `fg`.", style="dim"
        )
