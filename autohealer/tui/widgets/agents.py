"""The agents of the pool, where there are several."""

from __future__ import annotations

from collections.abc import Sequence

from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, clean, fit, right
from autohealer.views.status import AgentRow
from autohealer.views.units import number

GAUGE = 8
WIDE = 34


class AgentsPanel(Panel):
    """Each agent with its share, and how much of it runs."""

    def __init__(self) -> None:
        super().__init__(id="agents")
        self.border_title = "agents"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A line each, the leader with a star."""
        agents = self.state.status.agents
        shown = [self._line(agent, width) for agent in agents[:height]]
        if len(agents) > height and shown:
            shown[-1] = ((f"  … {len(agents) - height + 1:,} more agents", "dim"),)
        return shown

    def _line(self, agent: AgentRow, width: int) -> Line:
        leads = agent.agent == self.state.status.leader
        name = clean(self.state.status.name_of(agent.agent)) + (
            " (here)" if agent.agent == self.state.here.agent else ""
        )
        share, running = agent.share or 0, agent.running or 0
        gauge = GAUGE if width >= WIDE else 0
        full = gauge if running >= share else gauge * running // max(1, share)
        tone = "warm" if agent.draining else "good" if running >= share else "bad"
        counts = right(f"{number(agent.running)}/{number(agent.share)}", 7)
        tail = " ◌ draining" if agent.draining else ""
        room = max(4, width - 2 - gauge - 1 - len(counts) - len(tail))
        return (
            ("★ " if leads else "  ", "aside"),
            (fit(name, room), "bold" if leads else ""),
            (counts + " ", tone),
            ("█" * full, tone),
            ("░" * (gauge - full), "rule"),
            (tail, "warm"),
        )
