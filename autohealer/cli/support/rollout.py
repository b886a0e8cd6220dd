"""What `restart`, `update`, `undo` have in common: ask for it, show how far it is, and say what came of it."""

from __future__ import annotations

import sys

import click
import msgspec

from autohealer.cli.support.asking import settled
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.progress import ProgressLine
from autohealer.cli.support.saying import ASKED, Saying
from autohealer.core.operations import Options
from autohealer.runtime.control_client import ToldStep

WAIT_S = 0.25
# So long a command that does not wait gives the agent to refuse.
REFUSED_WITHIN_S = 1.0


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a rollout is to go, as the options say."""

    soak: float | None
    parallel: str | None
    force: bool
    no_wait: bool
    as_json: bool


def roll_out(
    address: PoolAddress, verb: str, manner: Manner, *, subject: str = "", command: tuple[str, ...] = ()
) -> int:
    """Ask for the rollout and wait for its end. Raises GaveUpError where it was undone."""
    saying = Saying(address.name, verb, subject, manner.as_json)
    options = Options(manner.soak, manner.parallel, manner.force, command)
    with address.asked(verb, subject, options) as pending, Steps() as steps:
        if manner.no_wait:
            answer = pending.wait(REFUSED_WITHIN_S)
            if answer is not None:
                settled(answer, "")
            saying.say(f"asked for; see `autohealer status --pool {address.name}`", ASKED)
            return 0
        while (answer := pending.wait(WAIT_S, steps.take)) is None:
            steps.draw()
    saying.say(settled(answer, "").detail)
    return 0


class Steps:
    """The steps of a rollout on stderr: a bar with the last one on a terminal, elsewhere a line for each."""

    def __init__(self) -> None:
        self._bar = ProgressLine("replaced") if sys.stderr is not None and sys.stderr.isatty() else None
        self._exchanged = self._of = 0

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.end()

    def take(self, step: ToldStep) -> None:
        """One event of a rollout."""
        if step.exchanged is not None and step.of is not None:
            self._exchanged, self._of = step.exchanged, step.of
        if self._bar is not None:
            self.draw()
        elif step.event == "rollout.step":
            counts = f" ({self._exchanged} of {self._of})" if self._of else ""
            click.echo(f"{step.detail}{counts}", err=True)

    def draw(self) -> None:
        """Show how far it is, where that is a bar."""
        if self._bar is not None and self._of:
            self._bar(self._exchanged, self._of)
