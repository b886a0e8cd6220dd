"""What happened last, in words, the newest at the bottom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import islice, takewhile
from typing import ClassVar

from textual.binding import Binding, BindingType

from autohealer.core.notices import EventRecord
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, clean, fit
from autohealer.views.palette import event_look
from autohealer.views.text import event_evidence, event_words
from autohealer.views.units import count, unix

NARROW = 64
_SHORTER = tuple(
    (re.compile(long), short)
    for long, short in ((r" \(pid \d+\)", ""), ("was killed by ", "killed by "), ("ended with exit code ", "exit "),
                        ("waits (.+ s) before its next start", r"waits \1"))
)  # fmt: skip


class EventsPanel(Panel, can_focus=True):
    """The last events of the pool; they scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(1)", "up", show=False),
        Binding("down,j", "scroll_by(-1)", "down", show=False),
        Binding("pageup", "scroll_page(1)", "a page up", show=False),
        Binding("pagedown", "scroll_page(-1)", "a page down", show=False),
        Binding("home,g", "scroll_by(1000000)", "the first", show=False),
        Binding("end,G", "scroll_by(-1000000)", "the last", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="events")
        self.border_title = "events"
        self._below = 0
        """How many are below what is in view."""
        self._newest: EventRecord | None = None
        self._page = 1

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """As many as there is room for; who has scrolled back sees the same ones, whatever comes."""
        latest = self.state.history.events
        if self._below:
            self._below += sum(1 for _ in takewhile(lambda record: record is not self._newest, reversed(latest)))
        self._newest = latest[-1] if latest else None
        self._page = height
        self._below = max(0, min(self._below, len(latest) - height))
        label = f"{count(self._below, 'later one')}: End" if self._below else ""
        if self.border_subtitle != label:
            self.border_subtitle = label
        end = len(latest) - self._below
        return [event_line(record, width) for record in islice(latest, max(0, end - height), end)]

    def action_scroll_by(self, step: int) -> None:
        """So many up, or down where it is less than 0."""
        self._below = max(0, self._below + step)
        self.update()

    def action_scroll_page(self, pages: int) -> None:
        """So many pages up."""
        self.action_scroll_by(pages * max(1, self._page - 1))

    def wheel(self, lines: int) -> None:
        """They scroll."""
        self.action_scroll_by(-lines)


def event_line(record: EventRecord, width: int) -> Line:
    """An event on one line: local time, glyph, words."""
    look = event_look(record.event)
    words = clean(event_words(record))
    if width < NARROW:
        for long, short in _SHORTER:
            words = long.sub(short, words, count=1)
    words = fit(words, max(0, width - 11)).rstrip()
    return (f"{local_clock(record.time)} ", "dim"), (f"{look.glyph} ", look.style), (words, _tone(look.style))


def event_lines(record: EventRecord, width: int) -> list[Line]:
    """An event with what else it says, such as a worker's last output, on lines of their own."""
    more: list[Line] = [
        ((f"{'':9}│ ", "rule"), (fit(clean(text.expandtabs(4)), max(0, width - 11)).rstrip(), "dim"))
        for text in event_evidence(record)
    ]
    return [event_line(record, width), *more]


def local_clock(moment: str | None) -> str:
    """The time of day where the reader is."""
    at = unix(moment)
    return "--:--:--" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def _tone(style: str) -> str:
    return "bad" if style == "bad" else ""
