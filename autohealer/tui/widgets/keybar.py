"""What the keys do, on the last line; made from the bindings that hold now, so that it is never out of date."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.widgets import Input

from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, Span, width_of

NAMES = {
    "enter": "⏎", "escape": "esc", "plus": "+", "minus": "-", "slash": "/", "question_mark": "?", "space": "␣",
    "up": "↑", "down": "↓", "left": "←", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
    "backspace": "⌫",
}  # fmt: skip
SPARED = ("sort", "events", "app.pools", "all_output", "scale(-1)", "app.detach", "output")
"""Actions that are left out first where room is short."""
KEPT = ("app.help", "app.stop", "app.leave")
"""Actions that are never left out, as the first one."""


class KeyBar(Panel):
    """Keys that can be pressed, or clicked on."""

    GROUND = "bar"

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._places: list[tuple[int, int, str]] = []

    def lines(self, width: int, _: int) -> Sequence[Line]:
        """As many as fit; help and the way out are always among them."""
        active = [found.binding for found in self.screen.active_bindings.values() if found.enabled]
        typing = self.screen.focused if isinstance(self.screen.focused, Input) else None
        if typing is not None:  # letters are text now
            active = [found.binding for found in self.screen.active_bindings.values() if found.node is typing]
        own = [binding.action for binding in self.screen.BINDINGS if isinstance(binding, Binding)]
        active.sort(key=lambda binding: own.index(binding.action) if binding.action in own else len(own))
        shown: dict[str, tuple[str, str, str]] = {}
        for binding in active:
            if binding.show and binding.description:
                name = key_name(binding.key_display or binding.key)
                shown.setdefault(binding.action, (name, binding.description, binding.action))
        kept = _fitting(list(shown.values()), width)
        spans: list[Span] = [(" ", "")]
        self._places = []
        at = 1
        for key, words, action in kept:
            end = at + width_of(key) + 1 + width_of(words)
            self._places.append((at, end, action))
            spans += [(key, "key"), (f" {words}", "dim"), ("  ", "")]
            at = end + 2
        return [tuple(spans)]

    async def on_click(self, event: events.Click) -> None:
        """A click on a key is a press of it."""
        for start, end, action in self._places:
            if start <= event.x < end:
                await self.screen.run_action(action)
                return


def key_name(key: str) -> str:
    """A key as it stands on a keyboard."""
    first = key.partition(",")[0] or key
    return NAMES.get(first, first)


def _fitting(keys: Sequence[tuple[str, str, str]], width: int) -> list[tuple[str, str, str]]:
    """Leave out the least important ones until the rest fits; help names them all."""
    kept = list(keys)
    others = [action for _, _, action in reversed(keys[1:]) if action not in KEPT]
    for action in (*SPARED, *others):
        if 1 + sum(width_of(key) + width_of(words) + 3 for key, words, _ in kept) - 2 <= width:
            break
        kept = [key for key in kept if key[2] != action]
    return kept
