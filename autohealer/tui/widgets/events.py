"""What happened last, in words, the newest at the bottom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from autohealer.core.notices import EventRecord
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, clean, fit
from autohealer.views.palette import event_look
from autohealer.views.text import event_evidence, event_words
from autohealer.views.units import unix

NARROW = 64
_SHORTER = tuple(
    (re.compile(long), short)
    for long, short in ((r" \(pid \d+\)", ""), ("was killed by ", "killed by "), ("ended with exit code ", "exit "),
                        ("waits (.+ s) before its next start", r"waits \1"))
)  # fmt: skip


class EventsPanel(Panel):
    """The last events of the pool."""

    def __init__(self) -> None:
        super().__init__(id="events")
        self.border_title = "events"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """As many as there is room for."""
        latest = self.state.history.events
        return [event_line(record, width) for record in islice(latest, max(0, len(latest) - height), None)]


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
