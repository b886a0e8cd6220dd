"""A box of lines. A line is a tuple of (text, style name); only those that differ from before are drawn again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from autohealer.views.lines import BLANK, Line, clean

if TYPE_CHECKING:
    from textual import events

    from autohealer.tui.app import Dashboard
    from autohealer.tui.state import PoolState


WHEEL_LINES = 3


class Panel(Widget):
    """The base of all that is drawn here: `lines` says what stands in it, `update` looks whether that has changed.

    What stands there is pulled from the application's state, a few times a second, so that a burst of news costs one
    look. A panel that is not displayed costs nothing.
    """

    GROUND = "ground"
    """The style of what is under the text."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []
        self._marked: frozenset[int] = frozenset()

    @property
    def dashboard(self) -> Dashboard:
        """The application."""
        return cast("Dashboard", self.app)

    @property
    def state(self) -> PoolState:
        """What is known of the pool."""
        return self.dashboard.state

    @abstractmethod  # mypy holds every panel to it: the interpreter cannot, as widgets have a metaclass of Textual's
    def lines(self, width: int, height: int) -> Sequence[Line]:
        """What stands here now, at most ``height`` lines of at most ``width`` columns."""

    def marked(self) -> frozenset[int]:
        """The lines that are shown as chosen, counted from the top. Asked after `lines`."""
        return frozenset()

    def update(self) -> None:
        """Look again, and draw what differs."""
        width, height = self.content_size
        if not (self.is_mounted and self.display and width and height):
            return
        lines, marked = list(self.lines(width, height)), self.marked()
        longest = max(len(lines), len(self._lines))
        differ = [
            y
            for y in range(min(longest, height))
            if _at(lines, y) != _at(self._lines, y) or (y in marked) != (y in self._marked)
        ]
        self._lines, self._marked = lines, marked
        if differ:
            self.refresh(*_regions(differ, width))

    def render_line(self, y: int) -> Strip:
        """One line, as Textual draws it."""
        styles, width = self.dashboard.styles_by_name, self.content_size.width
        segments = [Segment(clean(text), styles[style]) for text, style in _at(self._lines, y) if text]
        strip = Strip(segments).adjust_cell_length(width, styles[""])
        return strip.apply_style(styles["chosen" if y in self._marked else self.GROUND])

    def wheel(self, lines: int) -> None:
        """The wheel was turned, by so many lines down, or up where it is less than 0."""

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.wheel(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.wheel(-WHEEL_LINES)

    def on_resize(self, _: events.Resize) -> None:
        """Another size: other lines."""
        self._lines = []
        self.update()


def _at(lines: Sequence[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else BLANK


def _regions(ys: Sequence[int], width: int) -> list[Region]:
    """Neighbouring lines as one region."""
    found: list[Region] = []
    for y in ys:
        if found and found[-1].bottom == y:
            found[-1] = Region(0, found[-1].y, width, found[-1].height + 1)
        else:
            found.append(Region(0, y, width, 1))
    return found
