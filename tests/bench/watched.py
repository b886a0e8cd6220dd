"""What it costs a heal that somebody looks: page, dashboard and probes, beside an agent without any of them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.build import HERE, Programs
from tests.bench.fleet import Fleet
from tests.bench.measures import Plan, Sample, rested
from tests.bench.peers import Autohealer
from tests.support.terminals import TAKE_TERMINAL

MEASURE = "heal, somebody looks or nobody"
PENDING = 4096
"""Probes of all workers come at once, some of them before anybody takes them."""


class Watched(Autohealer):
    """With an HTTP endpoint, and a probe of each worker."""

    name = "autohealer, watched"

    def __init__(self, folder: Path, count: int, worker: list[str], programs: Programs) -> None:
        super().__init__(folder, count, worker, programs)
        self.probed = socket.create_server(("127.0.0.1", 0), backlog=PENDING)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        probed: int = self.probed.getsockname()[1]
        self.options = ("--http", f"127.0.0.1:{self.port}", "--probe-tcp", str(probed))


def watched(plan: Plan, count: int) -> Iterator[Sample]:
    """Heals of an agent without anything and of one with all, in turns. Every agent has a flight recorder."""
    with ExitStack() as stack:
        fleets = [stack.enter_context(Fleet(kind, count, plan.programs)) for kind in (Autohealer, Watched)]
        for fleet in fleets:
            assert fleet.start() is not None
        stack.enter_context(_onlookers(fleets[1]))
        for sample in rested(fleets, plan.trials):
            yield Sample(MEASURE, sample.peer, count, sample.value, sample.unit)


@contextmanager
def _onlookers(fleet: Fleet) -> Iterator[None]:
    """All who may look, until the end; they have begun."""
    peer = fleet.peer
    assert isinstance(peer, Watched)
    autohealer = str(Path(sys.executable).with_name("autohealer"))
    with (
        peer.probed,
        subprocess.Popen(
            [
                *(sys.executable, str(HERE / "onlooker.py"), str(peer.probed.fileno()), str(peer.port)),
                *(sys.executable, "-c", TAKE_TERMINAL, autohealer, "top", "--state-dir", str(peer.folder / "state")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[peer.probed.fileno()],
            env=fleet.environment,
        ) as onlookers,
    ):
        assert onlookers.stdout is not None
        assert onlookers.stdout.readline(), "somebody who should look has seen nothing"
        yield
        onlookers.kill()
