"""A question before something is done: `y` or Enter, `n` or Escape."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from autohealer.views.lines import clean


class Question(ModalScreen[bool]):
    """What is to be done, what will come of it, and two answers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,Y,enter", "answer(True)", "yes"),
        Binding("n,N,escape,q", "answer(False)", "no"),
    ]

    def __init__(self, question: str, consequence: str = "") -> None:
        super().__init__()
        self._question, self._consequence = question, consequence

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        with Vertical(id="box"):
            yield Static(Content(clean(self._question)), id="asked")
            if self._consequence:
                yield Static(Content(clean(self._consequence)), id="consequence")
            with Horizontal(id="answers"):
                yield Answer("y", "yes", True)
                yield Answer("n", "no", False)

    def action_answer(self, yes: bool) -> None:
        """Answered."""
        self.dismiss(yes)


class Answer(Static):
    """One of the two answers; a click on it is its key."""

    def __init__(self, key: str, words: str, yes: bool) -> None:
        super().__init__(Content.assemble((f" {key} ", "bold reverse"), f" {words}"), classes="answer")
        self._yes = yes

    def on_click(self) -> None:
        """Chosen."""
        self.screen.dismiss(self._yes)
