"""``autohealer logs``."""

from __future__ import annotations

from pathlib import Path

import click

from autohealer.cli.support.file_tail import FileTail, pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.where import Where
from autohealer.core.model import WorkerId
from autohealer.errors import UsageError
from autohealer.processes.output import OutputFiles, printable


def run(where: Where, worker: str | None, *, follow: bool, lines: int) -> int:
    """Show what the workers on this host wrote; WORKER is a slot's number or a worker's id."""
    address = PoolAddress(where)
    files = OutputFiles(address.state.output_dir, 0)
    slots = files.slots() if worker is None else [_slot(worker)]
    if worker is not None and slots[0] not in files.slots():
        raise UsageError(f"there is no output of {worker}", "see `autohealer status` for the workers that there are")
    growing = {slot: FileTail(Path(files.path(slot))) for slot in slots}

    def show(slot: int, text: str) -> None:
        click.echo(printable(text) if worker is not None else f"{slot:>4} | {printable(text)}")

    for slot, file in growing.items():
        past = list(file.lines())
        for line in past[len(past) - min(lines, len(past)) :]:
            show(slot, line)
    if not address.runs_here:
        raise address.nobody()
    while follow:
        pause()
        for slot in files.slots() if worker is None else []:
            growing.setdefault(slot, FileTail(Path(files.path(slot))))
        for slot, file in growing.items():
            for line in file.lines():
                show(slot, line)
    return 0


def _slot(worker: str) -> int:
    if worker.isascii() and worker.isdigit():
        return int(worker)
    parsed = WorkerId.parse(worker)
    if parsed is None:
        raise UsageError(f"{worker!r} is neither a slot's number nor a worker's id", "see `autohealer status`")
    return parsed.number
