"""The story of one worker: why its lives ended, as `why` tells it; before there is any, what has happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from autohealer.core.incident import IncidentEntry
from autohealer.tui.widgets.events import event_lines
from autohealer.tui.widgets.facts import OfWorker
from autohealer.views.lines import Line, Span, line_width
from autohealer.views.units import count
from autohealer.views.why import why_lines

INDENT = 6


class StoryPanel(OfWorker, can_focus=True):
    """The newest incident first. It scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "up", show=False),
        Binding("down,j", "scroll_by(1)", "down", show=False),
        Binding("pageup", "scroll_by(-5)", "up", show=False),
        Binding("pagedown,space", "scroll_by(5)", "down", show=False),
    ]

    def __init__(self, key: str) -> None:
        super().__init__(key, id="story")
        self.border_title = "story"
        self._incidents: Sequence[IncidentEntry] = ()
        self._top = self._rows = 0

    def tell(self, incidents: Sequence[IncidentEntry]) -> None:
        """What is known now, the newest first."""
        self._incidents = incidents
        self.update()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """As much of it as there is room for."""
        row = self.worker
        if row.slot is None or row.agent != self.state.here.agent:
            return [(("  only the agent on its own host knows it", "dim"),)]
        if self._incidents:
            told = why_lines(self._incidents, self.dashboard.now())
        else:
            told = [line for event in self.state.history.story(row.slot)[::-1] for line in event_lines(event, width)]
        rows = [part for line in told for part in folded(line, width)]
        self._rows = len(rows)
        self._top = max(0, min(self._top, self._rows - height))
        below = self._rows - self._top - height
        label = f"{count(below, 'more line')}" if below > 0 else ""
        if self.border_subtitle != label:
            self.border_subtitle = label
        return rows[self._top : self._top + height] or [(("  nothing has happened yet", "dim"),)]

    def action_scroll_by(self, step: int) -> None:
        """So many lines down, or up where it is less than 0."""
        self._top = max(0, self._top + step)
        self.update()

    def wheel(self, lines: int) -> None:
        """It scrolls."""
        self.action_scroll_by(lines)


def folded(line: Line, width: int) -> Iterator[Line]:
    """The line in pieces of at most so many columns, cut between words; all but the first are indented."""
    rest = list(line)
    indent = 0
    while line_width(tuple(rest)) > width - indent > INDENT:
        text = "".join(text for text, _ in rest)
        room = width - indent
        cut = text.rfind(" ", 0, room + 1)
        cut = cut if cut > room // 2 else room
        head, rest = _split(rest, cut)
        yield ((" " * indent, ""), *head)
        indent = INDENT
    yield ((" " * indent, ""), *rest) if indent else tuple(rest)


def _split(spans: Sequence[Span], at: int) -> tuple[list[Span], list[Span]]:
    """The spans up to this character, and from it on, without the blank there."""
    head: list[Span] = []
    tail: list[Span] = []
    for text, style in spans:
        taken = max(0, min(len(text), at))
        if taken:
            head.append((text[:taken], style))
        if taken < len(text):
            tail.append((text[taken:], style))
        at -= len(text)
    if tail:
        tail[0] = (tail[0][0].lstrip(" "), tail[0][1])
    return head, tail
