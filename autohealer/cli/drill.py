"""``autohealer drill``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.where import Where
from autohealer.core.notices import EventRecord
from autohealer.errors import AutohealerError, UsageError
from autohealer.runtime.drill.faults import Scene, do, wait
from autohealer.runtime.drill.kinds import KINDS, FaultKind
from autohealer.runtime.drill.report import json_text, lines, page
from autohealer.runtime.drill.verdict import Drilled, DrilledWorker, DrillVerdict, judge
from autohealer.views.reading import read_event
from autohealer.views.status import Status

AGAIN_WITHIN_S = 3.0


def run(where: Where, kind: str, *, yes: bool, within: float | None, html: str | None, as_json: bool) -> int:
    """Do harm to the pool on this host on purpose, and report whether and how quickly it was mended."""
    address = PoolAddress(where)
    chosen = KINDS[kind]
    scene = _scene(address, where)
    if not yes:
        _confirm(chosen, address.name, scene)
    verdict = _drill(chosen, scene, address, within or chosen.within_s)
    if html is not None:
        _write(Path(html), page(verdict))
    click.echo(json_text(verdict) if as_json else "\n".join(lines(verdict)))
    return int(not verdict.held)


def _drill(kind: FaultKind, scene: Scene, address: PoolAddress, within_s: float) -> DrillVerdict:
    began = time.time()
    done = do(kind.name, scene)
    # A service starts its agent again by itself; where nobody does within a moment, this command does.
    if kind.name == "agent" and not wait(lambda: address.runs_here, AGAIN_WITHIN_S):
        done.mend()
    # A cut from ZooKeeper has to begin before it can be over.
    if kind.name == "zk-away":
        wait(lambda: not _is_connected(address), within_s)

    def verdict() -> DrillVerdict:
        after = _running(address)
        drilled = Drilled(kind.name, began, time.time(), done.victims, scene.workers, after, kind.replaces)
        return judge(drilled, _events(address))

    wait(lambda: _is_well(address) and verdict().held, within_s)
    found = verdict()
    if kind.name != "agent":
        done.mend()
    return found


def _scene(address: PoolAddress, where: Where) -> Scene:
    """What is there. Raises UsageError where it may not be drilled."""
    status = address.status()
    if status is None:
        raise address.nobody()
    if not address.ask("drill"):
        raise UsageError("the agent here does not allow drills", "start it with --allow-drill")
    me = address.ask("agent")
    pid = next((agent.pid for agent in status.agents if agent.agent == me), None)
    if pid is None:
        raise address.nobody()
    options = ["--pool", address.name, "--state-dir", str(address.state.base)]
    if where.zk is not None:
        options += ["--zk", where.zk]
    if status.running < status.wanted:
        raise UsageError("the pool is not as wanted as it is", "see `autohealer why`, and drill when all runs")
    return Scene(_workers(status), pid, address.ask, options)


def _confirm(kind: FaultKind, pool: str, scene: Scene) -> None:
    if not sys.stdin.isatty():
        raise UsageError("a drill does harm, and there is no terminal to ask at", "add --yes")
    question = f"{kind.text}: of the {len(scene.workers)} of pool {pool} here, this touches {kind.touches}. Go on?"
    click.confirm(question, abort=True)


def _is_connected(address: PoolAddress) -> bool:
    status = address.status()
    return status is not None and status.connected


def _running(address: PoolAddress) -> list[DrilledWorker]:
    status = address.status()
    return _workers(status) if status is not None else []


def _workers(status: Status) -> list[DrilledWorker]:
    """Those in slots whose process runs."""
    return [
        DrilledWorker(row.worker, row.slot, row.pid)
        for row in status.workers
        if row.state == "running" and row.slot is not None and row.worker is not None and row.pid is not None
    ]


def _is_well(address: PoolAddress) -> bool:
    status = address.status()
    return status is not None and status.connected and status.running == status.target


def _events(address: PoolAddress) -> list[EventRecord]:
    lines = address.state.events_path.read_text(errors="replace").splitlines()
    return [record for line in lines if (record := read_event(line)) is not None]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise AutohealerError(f"cannot write {path}: {error.strerror}", "choose another file") from error
