"""``autohealer stop``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.asking import ANSWER_S, Local, Remote, settled
from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.progress import ProgressLine
from autohealer.cli.support.saying import ASKED, DONE, Saying
from autohealer.cli.support.where import Where
from autohealer.errors import UnreachableError
from autohealer.processes.launch.adoption import find_workers
from autohealer.processes.output import OutputFiles
from autohealer.processes.tree.ending import end_workers
from autohealer.processes.tree.process_tree import DeadWorker
from autohealer.processes.tree.procfs import boot_id
from autohealer.runtime.ledger import Ledger
from autohealer.runtime.revisions import users_of
from autohealer.views.units import count

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient


def run(where: Where, stop_signal: int, stop_timeout: float, *, no_wait: bool, as_json: bool) -> int:
    """Stop all workers of the pool, and its agents, on every host."""
    address = PoolAddress(where)
    saying, left = Saying(address.name, "stop", "", as_json), 0
    is_embedded, hosts, found = address.is_embedded, address.zookeeper(), address.status()
    is_alone = is_embedded or (found is not None and len(found.agents) == 1)
    try:
        with address.asked("stop") as pending:
            if isinstance(pending, Local):
                _expect_yes(address, pending)
            if not (no_wait or is_alone or hosts is None):
                with address.connected(hosts) as console:
                    _wait_for_all(console)
                if isinstance(pending, Remote):
                    pending.withdraw()
    except UnreachableError:
        if address.runs_here:
            raise
        left = _stop_left(address, stop_signal, stop_timeout)
        if not left:
            raise
        saying.say(_stopped(left), left=left)
        return 0
    if not no_wait:
        while address.runs_here:
            pause()
        # One that was killed a moment ago is among the agents until its session ends.
        left = _stop_left(address, stop_signal, stop_timeout)
        if left and not as_json:
            click.echo(_stopped(left))
    text = f"pool {address.name} is {'asked to stop' if no_wait else 'stopped'}"
    saying.say(text, ASKED if no_wait else DONE, left=left)
    return 0


def _stopped(left: int) -> str:
    return f"stopped {count(left, 'worker')} that {'its' if left == 1 else 'their'} agent had left"


def _expect_yes(address: PoolAddress, pending: Local) -> None:
    """The agent here stops, and tells the others. One that has ended this moment has done what was asked."""
    answer = pending.wait(ANSWER_S)
    if address.runs_here:
        settled(answer, f"the agent of pool {address.name} does not answer")


def _wait_for_all(console: PoolClient) -> None:
    """Until no agent is left."""
    total = 0
    with ProgressLine("stopped") as progress:
        while agents := console.agents():
            running = sum(entry.running for entry in agents.values() if entry)
            total = max(total, running)
            progress(total - running, total)
            pause()


def _stop_left(address: PoolAddress, stop_signal: int, stop_timeout: float) -> int:
    """End the workers whose agent is gone; how many there were."""
    if address.ledger() is None:
        return 0
    address.state.lock()
    try:
        ledger, _ = Ledger.load(address.state.ledger_path, boot_id())
        written = list(ledger.workers.values())
        found = find_workers(ledger.facts.agent, written, address.name, users_of(ledger.revisions))
        living = {worker.worker for worker in found}
        path = OutputFiles(address.state.output_dir, 0).path
        output = {worker.worker: path(worker.slot or 0) for worker in found}
        output |= {entry.worker: path(entry.number) for entry in written}
        dead = [
            DeadWorker(entry.worker, entry.pid, is_child=False, output=output[entry.worker])
            for entry in written
            if entry.worker not in living
        ]
        if found or dead:
            end_workers(found, dead, stop_signal=stop_signal, stop_timeout_s=stop_timeout, output=output)
            _end_pool(address, ledger)
        ledger.close()
    finally:
        address.state.unlock()
    return len(found)


def _end_pool(address: PoolAddress, ledger: Ledger) -> None:
    """What the agent would have done at its end. A ZooKeeper that it had inside is gone with it."""
    facts = ledger.facts
    if not address.is_embedded and facts.zookeeper is not None:
        with suppress(UnreachableError), address.connected(facts.zookeeper) as console:
            console.end()
    ledger.end()
