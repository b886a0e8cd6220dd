"""The pools of this host, a line each, with what is not as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from autohealer.tui.findings import findings, headline, is_as_wanted
from autohealer.tui.pools import PoolSummary
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, clean, crop, fit, right, width_of
from autohealer.views.units import number

NAME, NARROW_NAME, GAUGE = 18, 12, 10
WIDE = 84
"""In so wide a list each pool has a gauge, and the number of its agents."""


class PoolsPanel(Panel, can_focus=True):
    """All pools; one of them is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "a page up", show=False),
        Binding("pagedown", "page(1)", "a page down", show=False),
        Binding("home,g", "move(-1000000)", "the first", show=False),
        Binding("end,G", "move(1000000)", "the last", show=False),
    ]

    class Chosen(Message):
        """This pool is to be shown."""

    def __init__(self) -> None:
        super().__init__(id="pools")
        self.border_title = "pools of this host"
        self.found: Sequence[PoolSummary] = ()
        self._at = self._top = 0
        self._page = 1

    @property
    def chosen(self) -> str | None:
        """The name of the chosen pool."""
        return self.found[self._at].name if self._at < len(self.found) else None

    def show_pools(self, found: Sequence[PoolSummary]) -> None:
        """How they stand now, those first that are not as wanted; the chosen one stays the chosen one.

        At first that is the one that is shown; where all is well with it, another one that is not as wanted.
        """
        ill = [pool.name for pool in found if not self._is_as_wanted(pool)]
        shown = self.dashboard.pool
        name = self.chosen or (shown if shown in ill or not ill else ill[0])
        self.found = sorted(found, key=lambda pool: pool.name not in ill)
        title = "pools of this host" + (f": {len(ill)} of {len(found)} not as wanted" if ill else "")
        if self.border_title != title:
            self.border_title = title
        self._at = next((at for at, pool in enumerate(self.found) if pool.name == name), 0)
        self.update()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A title, and a line each."""
        if not self.found:
            return [(("  looking …", "dim"),)]
        self._page = max(1, height - 1)
        self._top = max(0, min(max(self._top, self._at - self._page + 1), self._at, len(self.found) - self._page))
        shown = self.found[self._top : self._top + self._page]
        where = f"{self._top + 1}-{self._top + len(shown)} of {len(self.found)}" if len(shown) < len(self.found) else ""
        if self.border_subtitle != where:
            self.border_subtitle = where
        room = NAME if width >= WIDE else NARROW_NAME
        name = max(len("pool"), *(min(room, width_of(clean(pool.name))) for pool in self.found))
        running = max(len("running"), *(len(_running(pool)) for pool in self.found))
        columns = f"  {' ' * GAUGE}  agents" if width >= WIDE else ""
        title = f" {fit('pool', name)} {right('running', running)}{columns}  what is not as wanted"
        return [
            ((fit(title, width), "title"),),
            *(crop(self._line(pool, name, running, wide=width >= WIDE), width) for pool in shown),
        ]

    def marked(self) -> frozenset[int]:
        """The chosen one."""
        return frozenset({1 + self._at - self._top}) if self.found else frozenset()

    def action_move(self, step: int) -> None:
        """Choose another one."""
        self._at = max(0, min(self._at + step, len(self.found) - 1))
        self.update()

    def action_page(self, pages: int) -> None:
        """Choose one a page away."""
        self.action_move(pages * self._page)

    def wheel(self, lines: int) -> None:
        """The choice moves."""
        self.action_move(lines)

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one shows."""
        offset = event.get_content_offset(self)
        if offset is not None and 1 <= offset.y <= len(self.found) - self._top:
            self._at = self._top + offset.y - 1
            self.update()
            if event.chain == 2:
                self.post_message(self.Chosen())

    def _is_as_wanted(self, pool: PoolSummary) -> bool:
        return pool.state is not None and is_as_wanted(pool.state, self.dashboard.now())

    def _line(self, pool: PoolSummary, name_width: int, running_width: int, *, wide: bool) -> Line:
        mark = "▸" if pool.name == self.dashboard.pool else " "
        name = (f"{mark}{fit(pool.name, name_width)} ", "bold")
        if pool.state is None:
            return name, (f"{right('!', running_width)}  the agent (pid {pool.pid}) does not answer", "bad")
        status, found = pool.state.status, findings(pool.state, self.dashboard.now())
        head = headline(pool.state)
        tone = "bad" if any(f.tone == "bad" for f in found) else head.tone if not found else found[0].tone
        full = GAUGE if status.running >= pool.state.wanted else GAUGE * status.running // max(1, pool.state.wanted)
        gauge: Line = (
            ("█" * full, tone),
            ("░" * (GAUGE - full), "rule"),
            (f"  {right(str(len(status.agents)), 6)}  ", ""),
        )
        first = found[0] if found else None
        words = "all as wanted" if first is None else first.words + (f"  · {first.detail}" if first.detail else "")
        return (
            name,
            (f"{right(_running(pool), running_width)}  ", tone),
            *(gauge if wide else ()),
            (f"{first.glyph if first else '●'} ", tone),
            (clean(words), "dim" if first is None else first.tone),
        )


def _running(pool: PoolSummary) -> str:
    return "!" if pool.state is None else f"{number(pool.state.status.running)} of {number(pool.state.status.target)}"
