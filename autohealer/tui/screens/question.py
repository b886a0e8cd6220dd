"""A question before something is done: `y` or Enter, `n` or Escape."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from autohealer.core.model import MOST_WORKERS
from autohealer.views.lines import clean
from autohealer.views.units import count


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
                yield AnswerButton("y", "yes", "answer(True)")
                yield AnswerButton("n", "no", "answer(False)")

    def action_answer(self, yes: bool) -> None:
        """Answered."""
        self.dismiss(yes)


class ScaleQuestion(ModalScreen[int | None]):
    """Another target: plus and minus change it, before it is asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign,up", "step(1)", "one more"),
        Binding("minus,down", "step(-1)", "one less"),
        Binding("y,Y,enter", "answer(True)", "yes"),
        Binding("n,N,escape,q", "answer(False)", "no"),
    ]

    def __init__(self, target: int, step: int) -> None:
        super().__init__()
        self._target = self._wanted = target
        self._first = step

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        with Vertical(id="box"):
            yield Static(id="asked")
            yield Static(Content("+ and - change the number."), id="consequence")
            with Horizontal(id="answers"):
                yield AnswerButton("y", "yes", "answer(True)")
                yield AnswerButton("n", "no", "answer(False)")

    def on_mount(self) -> None:
        """The first step."""
        self.action_step(self._first)

    def action_step(self, step: int) -> None:
        """One more, or one less."""
        self._wanted = max(0, min(self._wanted + step, MOST_WORKERS))
        question = f"Scale from {self._target:,} to {count(self._wanted, 'worker')}?"
        self.query_one("#asked", Static).update(Content(question))

    def action_answer(self, yes: bool) -> None:
        """Answered."""
        self.dismiss(self._wanted if yes else None)


class AnswerButton(Static):
    """One of the two answers; a click on it is its key."""

    def __init__(self, key: str, words: str, action: str) -> None:
        super().__init__(Content.assemble((f" {key} ", "bold reverse"), f" {words}"), classes="answer")
        self._action = action

    async def on_click(self) -> None:
        """Chosen."""
        await self.screen.run_action(self._action)
