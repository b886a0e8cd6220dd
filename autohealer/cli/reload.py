"""``autohealer reload``."""

from __future__ import annotations

from typing import Any

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.pool import of_the_process
from autohealer.cli.support.rollout import REFUSED_WITHIN_S, WAIT_S, Steps
from autohealer.cli.support.saying import ASKED, Saying
from autohealer.cli.support.where import Where
from autohealer.core.operations import Options
from autohealer.views.lines import clean


def run(
    where: Where, soak: float | None, parallel: str | None, *, dry_run: bool, force: bool, no_wait: bool, as_json: bool
) -> int:
    """Read the agent's configuration file again, print the difference, and apply it."""
    address = of_the_process(where)
    saying = Saying(address.name, "reload", "", as_json)
    options = Options(soak, parallel, force, dry_run=dry_run)
    with address.asked("reload", options=options) as pending, Steps() as steps:
        lines: list[str] = []

        def take(step: Any) -> None:
            if isinstance(step, dict) and "line" in step:
                lines.append(clean(str(step["line"])))
                if not as_json:
                    click.echo(lines[-1])
            else:
                steps.take(step)

        if no_wait and not dry_run:
            answer = pending.wait(REFUSED_WITHIN_S, take)
            if answer is not None:
                settled(answer, "")
            if as_json:
                saying.say("", ASKED, difference=lines)
            return 0
        while (answer := pending.wait(WAIT_S, take)) is None:
            steps.draw()
    saying.say(settled(answer, "").detail, difference=lines)
    return 0
