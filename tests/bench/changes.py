"""What a change of what runs costs, and how quick a spare is. Ours alone: the other supervisors have nothing alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from autohealer.runtime.control_client import Conversation
from autohealer.runtime.state_dir import StateDir
from tests.bench.build import HERE
from tests.bench.fleet import Fleet
from tests.bench.measures import GIVE_UP_S, Plan, Sample
from tests.bench.peers import Autohealer

SLOW_START_S = 3.0
SPARES = 4
PATIENCE_S = 90.0
POLL_S = 0.02
QUIET_S = 0.4
"""Between two changes: what followed the one before is over."""


class WithSpares(Autohealer):
    """Workers whose start takes seconds, and some that have done it and wait."""

    options = ("--spares", str(SPARES))

    def command(self) -> list[str]:
        board = self.worker[1]
        self.worker = [sys.executable, str(HERE / "standby.py"), board, str(SLOW_START_S)]
        return super().command()


class OfAFile(Autohealer):
    """One worker in each of so many pools of one file; ``write`` gives the first of them another number."""

    def command(self) -> list[str]:
        autohealer = str(Path(sys.executable).with_name("autohealer"))
        path = self.write(1)
        return [autohealer, "run", "--no-dashboard", "--state-dir", str(self.folder / "state"), "--config", path]

    def write(self, workers: int) -> str:
        """The file; the first pool has so many workers."""
        numbers = [workers] + [1] * (self.count - 1)
        pools = (f"[pools.p{n}]\nworkers = {number}\ncommand = {self.worker}\n" for n, number in enumerate(numbers))
        return self._write("pools.toml", "".join(pools))


def spare(plan: Plan, count: int) -> Iterator[Sample]:
    """From the death of a worker, whose start takes 3 s, to the first instruction of the spare that takes its place."""
    with Fleet(WithSpares, count, plan.programs) as fleet:
        if fleet.start() is None:
            return
        for trial in range(plan.trials):
            if trial % SPARES == 0:
                _wait_for(fleet, "spares", SPARES)
            time.sleep(QUIET_S)
            yield Sample("heal by a spare", "autohealer", count, fleet.kill(fleet.workers()[:1], 1, GIVE_UP_S), "s")


def leave(plan: Plan, count: int) -> Iterator[Sample]:
    """From the typing of ``leave`` to the first heal by the next ``run``; a worker dies while there is no agent."""
    with Fleet(Autohealer, count, plan.programs) as fleet:
        if fleet.start() is None:
            return
        for _ in range(plan.turns):
            _wait_for(fleet, "registered", count)
            time.sleep(QUIET_S)
            before, at = fleet.workers(), time.monotonic_ns()
            _asked(fleet, "leave")
            left = time.monotonic_ns()
            os.kill(before[0], signal.SIGKILL)
            fleet.launch()
            births = fleet.await_births(1, GIVE_UP_S)
            touched = len(set(before[1:]) - set(fleet.workers()))
            healed = births[0].ns if births else None
            yield Sample("leave", "the command", count, (left - at) / 1e9, "s")
            yield Sample("leave", "to the first heal", count, None if healed is None else (healed - at) / 1e9, "s")
            yield Sample("leave: workers touched", "autohealer", count, touched, "")


def restart(plan: Plan, count: int) -> Iterator[Sample]:
    """``restart --parallel 10%`` with its own soak, until the command has returned; the fewest that ran meanwhile."""
    with Fleet(Autohealer, count, plan.programs) as fleet:
        if fleet.start() is None:
            return
        _wait_for(fleet, "registered", count)
        before, at, fewest = set(fleet.workers()), time.monotonic_ns(), count
        words = [*_words(fleet, "restart"), "--parallel", "10%"]
        command = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while command.poll() is None:
            fewest = min(fewest, len(fleet.workers()))
            time.sleep(POLL_S)
        took = (time.monotonic_ns() - at) / 1e9
        is_done = command.returncode == 0 and not before & set(fleet.workers())
        yield Sample("restart --parallel 10%", "autohealer", count, took if is_done else None, "s")
        yield Sample("restart: fewest that ran", "autohealer", count, fewest, "")


def reload(plan: Plan, count: int) -> Iterator[Sample]:
    """A file of so many pools of which one has another number of workers; from the typing of ``reload`` to its end."""
    with Fleet(OfAFile, count, plan.programs) as fleet:
        if fleet.start() is None:
            return
        peer = fleet.peer
        assert isinstance(peer, OfAFile)
        for turn in range(2 * plan.turns):
            time.sleep(QUIET_S)
            before, workers = fleet.workers(), 2 - turn % 2
            peer.write(workers)
            at = time.monotonic_ns()
            _asked(fleet, "reload")
            ended = time.monotonic_ns()
            yield Sample("reload", "the command", count, (ended - at) / 1e9, "s")
            _wait_for(fleet, "registered", workers, "p0")
            if workers == 2:
                births = fleet.await_births(1, GIVE_UP_S)
                yield Sample("reload", "to the new worker", count, (births[0].ns - at) / 1e9 if births else None, "s")
                touched = len(set(before) - set(fleet.workers()))
                yield Sample("reload: workers touched", "autohealer", count, touched, "")


def _words(fleet: Fleet, verb: str) -> list[str]:
    autohealer = str(Path(sys.executable).with_name("autohealer"))
    return [autohealer, verb, "--state-dir", str(_state(fleet))]


def _asked(fleet: Fleet, verb: str) -> None:
    """A command, as it is typed, to its end."""
    subprocess.run(_words(fleet, verb), stdin=subprocess.DEVNULL, capture_output=True, check=True)


def _state(fleet: Fleet) -> Path:
    return fleet.board.path.with_name("state")


def _status(fleet: Fleet, pool: str = "default") -> dict[str, Any]:
    with suppress(OSError, ValueError, KeyError), StateDir(_state(fleet), pool, {}).connect_control(5.0) as connection:
        answer = Conversation(connection).ask("status", 5.0)
        return answer if isinstance(answer, dict) else {}
    return {}


def _wait_for(fleet: Fleet, field: str, value: int, pool: str = "default") -> None:
    """Until this field of the pool's status has this value."""
    until = time.monotonic() + PATIENCE_S
    while (found := _status(fleet, pool).get(field)) != value:
        if time.monotonic() > until:
            raise TimeoutError(f"{field} of pool {pool} never was {value}, at last {found}")
        time.sleep(POLL_S)
