"""``autohealer logs``."""

from __future__ import annotations

from pathlib import Path

import click

from autohealer.cli.support import pool
from autohealer.cli.support import shell_complete as completing
from autohealer.cli.support.file_tail import FileTail, pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.core.model import WorkerId
from autohealer.errors import UsageError


@click.command(short_help="Show what the workers wrote.")
@pool.address
@click.argument("worker", shell_complete=completing.workers, required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with what they write from now on.")
@click.option("-n", "--lines", type=click.IntRange(0), default=20, show_default=True, help="The last so many of each.")
def command(address: PoolAddress, worker: str | None, follow: bool, lines: int) -> int:
    r"""Show what the workers on this host wrote; WORKER is a slot's number or a worker's id.

    \b
      autohealer logs 3 -f
      autohealer logs -n 100
    """
    from autohealer.processes.output import OutputFiles, printable  # noqa: PLC0415 - not for --help

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
