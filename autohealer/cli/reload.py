"""``autohealer reload``."""

from __future__ import annotations

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.pool import of_the_process
from autohealer.cli.support.rollout import REFUSED_WITHIN_S, WAIT_S, Manner, Steps
from autohealer.cli.support.saying import ASKED, Saying
from autohealer.cli.support.where import Where
from autohealer.core.operations import Options
from autohealer.runtime.control_client import ToldStep
from autohealer.views.lines import clean


class ReloadArguments(Manner, frozen=True):
    """What is typed after ``autohealer reload``."""

    dry_run: bool


def run(where: Where, given: ReloadArguments) -> int:
    """Read the agent's configuration file again, print the difference, and apply it."""
    address = of_the_process(where)
    saying = Saying(address.name, "reload", "", given.as_json)
    options = Options(given.soak, given.parallel, given.force, dry_run=given.dry_run)
    with address.asked("reload", options=options) as pending, Steps() as steps:
        lines: list[str] = []

        def take(step: ToldStep) -> None:
            if step.line is not None:
                lines.append(clean(step.line))
                if not given.as_json:
                    click.echo(lines[-1])
            else:
                steps.take(step)

        if given.no_wait and not given.dry_run:
            answer = pending.wait(REFUSED_WITHIN_S, take)
            if answer is not None:
                settled(answer, "")
            if given.as_json:
                saying.say("", ASKED, difference=lines)
            return 0
        while (answer := pending.wait(WAIT_S, take)) is None:
            steps.draw()
    saying.say(settled(answer, "").detail, difference=lines)
    return 0
