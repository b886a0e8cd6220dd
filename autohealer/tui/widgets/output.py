"""What workers wrote: it follows, scrolls, wraps and searches. Only the lines in view are made."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import ClassVar

from textual.binding import Binding, BindingType

from autohealer.tui.background import in_background
from autohealer.tui.output import OutputLine, OutputReader
from autohealer.tui.theme import slot_style
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, Span, crop, width_of
from autohealer.views.status import WorkerRow
from autohealer.views.units import count

KEPT_LINES = 10_000
READ_S = 0.25


class OutputPanel(Panel, can_focus=True):
    """The last `KEPT_LINES` lines. ``with_slots``: each is marked with the slot that wrote it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "up", show=False),
        Binding("down,j", "scroll_by(1)", "down", show=False),
        Binding("pageup,b", "scroll_page(-1)", "a page up", show=False),
        Binding("pagedown,space", "scroll_page(1)", "a page down", show=False),
        Binding("home,g", "scroll_edge(-1)", "the first line", show=False),
        Binding("end,G", "scroll_edge(1)", "the last line", show=False),
        Binding("f", "follow", "follow"),
        Binding("w", "wrap", "wrap"),
        Binding("c", "copy", "copy", show=False, tooltip="copy the lines in view, where the terminal allows it"),
        Binding("n", "next_match(-1)", "the match before", show=False),
        Binding("N", "next_match(1)", "the match after", show=False),
    ]

    def __init__(self, *, with_slots: bool) -> None:
        super().__init__(id="output")
        self._with_slots = with_slots
        self._kept: deque[OutputLine] = deque(maxlen=KEPT_LINES)
        self._number = 0
        """How many lines there have been; a line's number stays its own when older ones are forgotten."""
        self._top: int | None = None
        """The number of the first line in view; None: the last one is in view, and stays so."""
        self._wraps = False
        self._needle = ""
        self._top_before: int | None = None
        """Where the view was when the search began."""
        self._page = 1
        self._label()

    @property
    def needle(self) -> str:
        """What is searched for."""
        return self._needle

    def follow_worker(self, row: WorkerRow) -> bool:
        """Show what this worker writes, as long as the panel is there; False where that is not on this host."""
        self.workers.cancel_node(self)  # who followed another one
        self._kept.clear()
        self._number = 0
        self._go(None)
        if row.slot is None or not self.dashboard.source.is_local or row.agent != self.state.here.agent:
            self.border_title = "output: it is on the worker's own host"
            return False
        self.border_title = f"output of slot {row.slot}"
        self._follow(OutputReader(self.dashboard.folder.output_dir, [row.slot]))
        return True

    def follow_all(self) -> None:
        """Show what all workers of this host write."""
        self.border_title = "output of all workers"
        self._follow(OutputReader(self.dashboard.folder.output_dir))

    def _follow(self, reader: OutputReader) -> None:
        async def follow() -> None:
            while self.is_attached:
                lines = await in_background(reader.read)
                if lines:
                    self.add(lines)
                await asyncio.sleep(READ_S)

        self.run_worker(follow())

    def add(self, lines: Iterable[OutputLine]) -> None:
        """New lines have come."""
        before = self._number
        for line in lines:
            self._kept.append(line)
            self._number += 1
        if self._number != before:
            self._label()
            self.update()

    def search(self, needle: str) -> None:
        """Mark what holds this text, and go to the last line that does; back to where the search began if none does."""
        if not self._needle:
            self._top_before = self._top
        self._needle = needle
        self._go(self._top_before)
        self.action_next_match(0)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The lines in view."""
        self._page = height
        if not self._kept:
            return [(("  nothing has been written yet", "dim"),)]
        if self._top is None:
            return self._last(width, height)
        found: list[Line] = []
        for line in islice(self._kept, max(0, self._top - self._first), None):
            found += self._rows(line, width)
            if len(found) >= height:
                break
        return found[:height]

    # ---- keys and mouse

    def action_scroll_by(self, step: int) -> None:
        """So many lines down, or up where it is less than 0."""
        last_top = max(self._first, self._number - self._page)
        top = (last_top if self._top is None else self._top) + step
        self._go(None if top >= last_top else max(self._first, top))

    def action_scroll_page(self, pages: int) -> None:
        """So many pages down."""
        self.action_scroll_by(pages * max(1, self._page - 1))

    def action_scroll_edge(self, side: int) -> None:
        """To the first or the last line."""
        self._go(self._first if side < 0 else None)

    def action_follow(self) -> None:
        """Stay with what comes, or stay here."""
        self._go(max(self._first, self._number - self._page) if self._top is None else None)

    def action_wrap(self) -> None:
        """Show long lines whole, or cut off."""
        self._wraps = not self._wraps
        self._label()
        self.update()

    def action_copy(self) -> None:
        """The lines in view, whole, into the clipboard; by OSC 52, which not every terminal obeys."""
        first = max(self._first, self._number - self._page) if self._top is None else self._top
        lines = [line.text for line in islice(self._kept, max(0, first - self._first), None)][: self._page]
        self.app.copy_to_clipboard("\n".join(lines) + "\n" if lines else "")
        self.dashboard.say(f"{count(len(lines), 'line')} copied, if the terminal allows it")

    def action_next_match(self, step: int) -> None:
        """To the next line that holds what is searched for: upwards (-1), downwards (1), or the last of all (0)."""
        if not self._needle:
            return
        start = self._number if self._top is None or step == 0 else self._top
        numbered = list(enumerate(self._kept, self._first))
        ahead = (n for n, line in numbered if n > start and self._matches(line.text))
        behind = (n for n, line in reversed(numbered) if n < start and self._matches(line.text))
        found = next(ahead if step > 0 else behind, None)
        if found is not None:
            self._go(found)

    def wheel(self, lines: int) -> None:
        """It scrolls."""
        self.action_scroll_by(lines)

    # ---- how

    @property
    def _first(self) -> int:
        return self._number - len(self._kept)

    def _go(self, top: int | None) -> None:
        self._top = top
        self._label()
        self.update()

    def _label(self) -> None:
        words = []
        if self._needle:
            matches = sum(self._matches(line.text) for line in self._kept)
            words.append(f"{matches:,} with '{self._needle}'".replace("[", "("))
        words.append("follows" if self._top is None else "stands still: f follows")
        if self._wraps:
            words.append("wraps")
        self.border_subtitle = f"{count(self._number, 'line')}, {', '.join(words)}"

    def _matches(self, text: str) -> bool:
        return self._needle.lower() in text.lower()

    def _last(self, width: int, height: int) -> list[Line]:
        found: list[Line] = []
        for line in reversed(self._kept):
            found = [*self._rows(line, width), *found]
            if len(found) >= height:
                break
        return found[-height:]

    def _rows(self, line: OutputLine, width: int) -> list[Line]:
        head: tuple[Span, ...] = ()
        if self._with_slots:
            head = ((f"{line.slot:>4} ▌ ", slot_style(line.slot)),)
        room = max(8, width - sum(width_of(text) for text, _ in head))
        texts = _cut(line.text, room) if self._wraps else [line.text]
        return [crop((*head, *self._spans(text)), width) for text in texts]

    def _spans(self, text: str) -> list[Span]:
        """The text with what is searched for marked."""
        if not self._needle or not self._matches(text):
            return [(text, "")]
        spans: list[Span] = []
        low, needle, at = text.lower(), self._needle.lower(), 0
        while (found := low.find(needle, at)) >= 0:
            spans += [(text[at:found], ""), (text[found : found + len(needle)], "found")]
            at = found + len(needle)
        return [*spans, (text[at:], "")]


def _cut(text: str, width: int) -> list[str]:
    """The text in pieces of at most so many columns."""
    if width_of(text) <= width:
        return [text]
    pieces: list[str] = []
    piece, taken = "", 0
    for char in text:
        wide = width_of(char)
        if taken + wide > width:
            pieces.append(piece)
            piece, taken = "", 0
        piece += char
        taken += wide
    return [*pieces, piece]
