"""``autohealer reload``."""

from __future__ import annotations

from typing import Any

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.rollout import REFUSED_WITHIN_S, WAIT_S, Steps
from autohealer.cli.support.where import Where
from autohealer.core.operations import Options
from autohealer.views.lines import clean


def run(where: Where, soak: float | None, parallel: str | None, *, dry_run: bool, force: bool, no_wait: bool) -> int:
    """Read the agent's configuration file again, print the difference, and apply it."""
    address = PoolAddress(where)
    options = Options(soak, parallel, force, dry_run=dry_run)
    with address.asked("reload", options=options) as pending, Steps() as steps:

        def take(step: Any) -> None:
            if isinstance(step, dict) and "line" in step:
                click.echo(clean(str(step["line"])))
            else:
                steps.take(step)

        if no_wait and not dry_run:
            answer = pending.wait(REFUSED_WITHIN_S, take)
            if answer is not None:
                settled(answer, "")
            return 0
        while (answer := pending.wait(WAIT_S, take)) is None:
            steps.draw()
    click.echo(settled(answer, "").detail)
    return 0
