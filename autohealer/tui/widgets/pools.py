"""The pools of this host, a line each, with what is not as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from autohealer.tui.findings import findings, headline
from autohealer.tui.pools import PoolSummary
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, clean, crop, fit, right
from autohealer.views.units import number

NAME, GAUGE = 18, 10


class PoolsPanel(Panel, can_focus=True):
    """All pools; one of them is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("home,g", "move(-1000000)", "the first", show=False),
        Binding("end,G", "move(1000000)", "the last", show=False),
    ]

    class Chosen(Message):
        """This pool is to be shown."""

    def __init__(self) -> None:
        super().__init__(id="pools")
        self.border_title = "pools of this host"
        self.found: Sequence[PoolSummary] = ()
        self._at = 0
        self._top = 0

    @property
    def chosen(self) -> str | None:
        """The name of the chosen pool."""
        return self.found[self._at].name if self._at < len(self.found) else None

    def show_pools(self, found: Sequence[PoolSummary]) -> None:
        """How they stand now, those first that are not as wanted; the chosen one stays the chosen one."""
        name = self.chosen or self.dashboard.pool
        self.found = sorted(found, key=self._is_as_wanted)
        ill = sum(not self._is_as_wanted(pool) for pool in found)
        title = "pools of this host" + (f": {ill} of {len(found)} not as wanted" if ill else "")
        if self.border_title != title:
            self.border_title = title
        self._at = next((at for at, pool in enumerate(self.found) if pool.name == name), 0)
        self.update()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A title, and a line each."""
        if not self.found:
            return [(("  looking …", "dim"),)]
        page = max(1, height - 1)
        self._top = max(0, min(max(self._top, self._at - page + 1), self._at))
        title = (
            f" {fit('pool', NAME)} {right('running', 13)}  {' ' * GAUGE}  {right('agents', 6)}  what is not as wanted"
        )
        shown = self.found[self._top : self._top + page]
        return [((title[:width], "title"),), *(crop(self._line(pool), width) for pool in shown)]

    def marked(self) -> frozenset[int]:
        """The chosen one."""
        return frozenset({1 + self._at - self._top}) if self.found else frozenset()

    def action_move(self, step: int) -> None:
        """Choose another one."""
        self._at = max(0, min(self._at + step, len(self.found) - 1))
        self.update()

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one shows."""
        offset = event.get_content_offset(self)
        if offset is not None and 1 <= offset.y <= len(self.found) - self._top:
            self._at = self._top + offset.y - 1
            self.update()
            if event.chain == 2:
                self.post_message(self.Chosen())

    def _is_as_wanted(self, pool: PoolSummary) -> bool:
        return pool.state is not None and "bad" not in {
            headline(pool.state).tone,
            *(finding.tone for finding in findings(pool.state, self.dashboard.now())),
        }

    def _line(self, pool: PoolSummary) -> Line:
        mark = "▸" if pool.name == self.dashboard.pool else " "
        name = (f"{mark}{fit(pool.name, NAME)} ", "bold")
        if pool.state is None:
            return name, (f"{'!':>13}  the agent (pid {pool.pid}) does not answer", "bad")
        status, found = pool.state.status, findings(pool.state, self.dashboard.now())
        head = headline(pool.state)
        tone = "bad" if any(f.tone == "bad" for f in found) else head.tone if not found else found[0].tone
        full = GAUGE if status.running >= pool.state.wanted else GAUGE * status.running // max(1, pool.state.wanted)
        running = f"{number(status.running)} of {number(status.target)}"
        first = found[0] if found else None
        words = "all as wanted" if first is None else first.words + (f"  · {first.detail}" if first.detail else "")
        return (
            name,
            (f"{right(running, 13)}  ", tone),
            ("█" * full, tone),
            ("░" * (GAUGE - full), "rule"),
            (f"  {right(str(len(status.agents)), 6)}  ", ""),
            (f"{first.glyph if first else '●'} ", tone),
            (clean(words), "dim" if first is None else first.tone),
        )
