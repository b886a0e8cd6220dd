"""What keys do: which worker is chosen, which rows are shown, and what is to be asked of the pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from autohealer.core.model import MOST_WORKERS

if TYPE_CHECKING:
    from autohealer.views.pool import PoolView, Row

Place = tuple[str | None, int | None, str | None]


class Order:
    """Something to be asked of the pool, or of who draws it."""


class Quit(Order):
    """End."""


class Suspend(Order):
    """Give the terminal back to the shell for a while."""


class Repaint(Order):
    """Draw everything anew: something else has written to the terminal."""


@dataclass(frozen=True, slots=True)
class Scale(Order):
    """Make this the target."""

    workers: int


@dataclass(frozen=True, slots=True)
class Kill(Order):
    """Kill one worker, to see it heal."""

    worker: str


class Restart(Order):
    """Exchange all workers, one by one."""


class Mode(Enum):
    """What keys mean now."""

    NORMAL = "normal"
    FILTER = "filter"
    CONFIRM = "confirm"


@dataclass(slots=True)
class Controls:
    """What the person at the keys has chosen. ``said`` is the answer to the last key."""

    chosen: Place | None = None
    filter: str = ""
    mode: Mode = Mode.NORMAL
    output: bool = False
    said: str = ""
    page: int = 10
    """How many rows the screen shows, from ``top`` on."""
    top: int = 0
    wanted: int | None = None
    """The target that was asked for last, while the pool may not have answered yet."""

    def shown(self, view: PoolView) -> Sequence[Row]:
        """The rows that the filter leaves."""
        needle = self.filter.lower()
        return [row for row in view.rows if _matches(row, needle)] if needle else view.rows

    def index(self, rows: Sequence[Row]) -> int | None:
        """Where the chosen row is; None where none is chosen, or it is gone."""
        if self.chosen is None:
            return None
        return next((i for i, row in enumerate(rows) if row.place == self.chosen), None)

    def scroll(self, rows: Sequence[Row]) -> tuple[int, int | None]:
        """The first row that is shown, moved no further than the chosen one needs; and where that one is."""
        at = self.index(rows)
        if at is not None:
            self.top = min(max(self.top, at - self.page + 1), at)
        self.top = max(0, min(self.top, len(rows) - self.page))
        return self.top, at

    def visible(self, view: PoolView) -> Sequence[Row]:
        """The rows on the screen."""
        rows = self.shown(view)
        first, _ = self.scroll(rows)
        return rows[first : first + self.page]

    def press(self, key: str, view: PoolView) -> Order | None:
        """Take a key, by its name or as the character that it is; what is to be done about it."""
        self.said = ""
        if key == "ctrl-l":
            return Repaint()
        if key == "ctrl-z":
            return Suspend()
        if self.mode is Mode.FILTER:
            self._edit(key)
            return None
        if self.mode is Mode.CONFIRM:
            self.mode = Mode.NORMAL
            if key in "yY":
                return Restart()
            self.said = "nothing is restarted"
            return None
        return self._normal(key, view)

    def _normal(self, key: str, view: PoolView) -> Order | None:
        if key in _STEPS or key in _PAGES:
            self._move(key, view)
        elif key == "q":
            return Quit()
        elif key in {"+", "=", "-"}:
            return self._scale(-1 if key == "-" else 1, view)
        elif key == "k":
            return self._kill(view)
        elif key == "r":
            self.mode = Mode.CONFIRM
        elif key == "/":
            self.mode = Mode.FILTER
        elif key in {"l", "enter"}:
            self._toggle_output(view)
        elif key == "escape":
            self.output, self.filter, self.chosen = False, "" if not self.output else self.filter, None
        return None

    def _edit(self, key: str) -> None:
        if key == "enter":
            self.mode = Mode.NORMAL
        elif key == "escape":
            self.mode, self.filter = Mode.NORMAL, ""
        elif key == "backspace":
            self.filter = self.filter[:-1]
        elif len(key) == 1 and key.isprintable() and len(self.filter) < 60:
            self.filter += key

    def _move(self, key: str, view: PoolView) -> None:
        rows = self.shown(view)
        if not rows:
            return
        at = self.index(rows)
        at = 0 if at is None else at + _STEPS.get(key, 0) + _PAGES.get(key, 0) * self.page
        if key in {"home", "end"}:
            at = 0 if key == "home" else len(rows) - 1
        self.chosen = rows[max(0, min(at, len(rows) - 1))].place

    def _scale(self, step: int, view: PoolView) -> Order | None:
        """From what was asked for last, as the pool may not have answered yet: five presses are five workers."""
        if view.target is None:
            self.said = "the target is not known yet"
            return None
        self.wanted = max(0, min((view.target if self.wanted is None else self.wanted) + step, MOST_WORKERS))
        return Scale(self.wanted)

    def _row(self, view: PoolView) -> Row | None:
        rows = self.shown(view)
        at = self.index(rows)
        if at is None:
            self.said = "choose a worker with the arrows first"
            return None
        return rows[at]

    def _kill(self, view: PoolView) -> Order | None:
        row = self._row(view)
        if row is None:
            return None
        if row.worker is None or row.pid is None:
            self.said = f"slot {row.slot} has no worker now"
            return None
        return Kill(row.worker)

    def _toggle_output(self, view: PoolView) -> None:
        if self.output:
            self.output = False
        elif (row := self._row(view)) is not None:
            self.output = row.agent == view.here
            if not self.output:
                self.said = f"the output of this worker is on {row.host or 'another host'}"


_STEPS = {"up": -1, "down": 1, "home": 0, "end": 0}
_PAGES = {"page-up": -1, "page-down": 1}


def _matches(row: Row, needle: str) -> bool:
    return any(
        needle in text.lower()
        for text in (row.state, row.worker or "", row.host or "", f"slot {row.slot}", f"pid {row.pid}")
    )
