"""``autohealer drain``."""

from __future__ import annotations

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.file_tail import PAUSE_S
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.progress import ProgressLine
from autohealer.cli.support.saying import ASKED, Saying
from autohealer.cli.support.where import Where
from autohealer.errors import UsageError
from autohealer.views.lines import clean


def run(where: Where, agent: str | None, *, undo: bool, no_wait: bool, as_json: bool) -> int:
    """Empty an agent, the one on this host if none is named, and wait until its workers are gone."""
    address = PoolAddress(where)
    name = agent or _own(address)
    saying = Saying(address.name, "undrain" if undo else "drain", name, as_json)
    alone = not undo and _is_alone(address, name)
    if alone:
        click.echo("note: no other agent takes over: nothing runs until `autohealer drain --undo`", err=True)
    with address.asked("undrain" if undo else "drain", name) as pending, ProgressLine("handed over") as progress:
        total = 0
        while not no_wait and (answer := pending.wait(PAUSE_S)) is None:
            if progress.is_due:
                running = _running(address, name)
                if running is None:
                    return 0  # it has ended meanwhile
                total = max(total, running)
                progress(total - running, total)
    if not no_wait:
        settled(answer, "")
        nobody = f"; nobody has taken over: autohealer drain --undo {clean(name)}" if alone else ""
        saying.say(f"agent {clean(name)} {'may have workers again' if undo else 'is empty'}{nobody}")
    elif as_json:
        saying.say("", ASKED)
    return 0


def _is_alone(address: PoolAddress, agent: str) -> bool:
    """Whether no other agent could take its workers."""
    others = [entry for entry in pool_status(address).agents if entry.agent != agent]
    return all(entry.draining for entry in others)


def _running(address: PoolAddress, agent: str) -> int | None:
    """How many workers it still has; None where it is gone."""
    found = [entry for entry in pool_status(address).agents if entry.agent == agent]
    return (found[0].running or 0) if found else None


def _own(address: PoolAddress) -> str:
    ledger = address.ledger() if address.runs_here else None
    if ledger is None:
        raise UsageError("no agent runs on this host", "name one; see `autohealer status`")
    return ledger.facts.agent
