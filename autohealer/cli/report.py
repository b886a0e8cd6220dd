"""``autohealer report``."""

from __future__ import annotations

import gc
import secrets
import shutil
import time
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.file_tail import FileTail
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.printing import Printing
from autohealer.cli.support.where import Where
from autohealer.errors import UnreachableError, UsageError
from autohealer.runtime.event_log import older
from autohealer.views.report.data import report_json
from autohealer.views.report.measure import report
from autohealer.views.report.page import report_page
from autohealer.views.report.text import report_parts
from autohealer.views.report.words import length

if TYPE_CHECKING:
    from autohealer.views.report.model import Report

STDOUT = "-"
LEAST_COLUMNS = 40


def run(where: Where, *, since: float | None, html: str | None, utc: bool, as_json: bool) -> int:
    """Show how the pool's workers on this host fared: availability, heals by cause, time to heal, timeline by slot."""
    address = PoolAddress(where)
    if html == STDOUT and as_json:
        raise UsageError("--html - and --json both write to stdout", "give --html a file")
    gc.disable()  # looking for cycles, of which there are none, takes a third of the time
    found = _made(address, since)
    if as_json:
        click.echo(report_json(found, address.name))
    elif html is None:
        _print(found, address.name, UTC if utc else None)
    if html is not None:
        page = report_page(found, address.name, time.time())
        if html == STDOUT:
            click.echo(page, nl=False)
        else:
            _write(Path(html), page)
            click.echo(f"written: {html}", err=as_json)
    return 0


def _made(address: PoolAddress, since: float | None) -> Report:
    path = address.state.events_path
    runs = address.runs_here
    standing = _standing(address) if runs else {}
    try:
        lines = [line for file in (older(path), path) for line in FileTail(file).lines()]
    except OSError as error:
        raise UsageError(
            f"cannot read {error.filename or path}: {error.strerror}", "run it as the agent's user"
        ) from error
    now = time.time()
    found = report(lines, now, None if since is None else now - since, is_watched=runs, standing=standing)
    if found is not None:
        return found
    last = report(lines, now, is_watched=runs, standing=standing)
    if last is None:
        raise UnreachableError(
            f"there are no events of pool {address.name} in {address.state.base}",
            "start a pool with: autohealer run N -- CMD, or name the right --pool or --state-dir",
        )
    hours = int((now - last.since) // 3600) + 1
    raise UsageError(
        f"the log ends {length(now - last.until)} ago, and no agent of pool {address.name} runs here",
        f"see all of it without --since, or with --since {hours}h",
    )


def _standing(address: PoolAddress) -> dict[int, str]:
    """The workers that run here now, by slot, if the agent can be asked."""
    status = address.status()
    workers = status.workers if status is not None else []
    return {row.slot: row.worker for row in workers if row.slot is not None and row.worker and row.pid is not None}


def _print(found: Report, name: str, zone: tzinfo | None) -> None:
    width = max(LEAST_COLUMNS, shutil.get_terminal_size().columns)
    Printing().print(report_parts(found, name, width, zone), width)


def _write(file: Path, page: str) -> None:
    """The file is whole or as it was; what is no regular file, such as a pipe, is written to as it is."""
    try:
        if file.exists() and not file.is_file():
            file.write_text(page, encoding="utf-8")
            return
        target = file.resolve()
        new = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            new.write_text(page, encoding="utf-8")
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", "name another file with --html") from error
