"""What the project holds itself to, as a table of what a run has found beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.peers import Autohealer
from tests.bench.results import FLOOR, Figures, ratio, text
from tests.bench.servers import NODES, OPERATION, Embedded, Real
from tests.bench.watched import MEASURE as LOOK
from tests.bench.watched import Watched

OURS, WATCHED, EMBEDDED, REAL = Autohealer.name, Watched.name, Embedded.name, Real.name


@dataclass(frozen=True)
class Goal:
    """A figure of a run, and what it is to be at most, or at least."""

    about: str
    figure: Callable[[Figures], float]
    bound: float
    unit: str = "times"
    is_least: bool = False

    def row(self, found: Figures) -> str:
        """Of the table; nothing where a run has not measured it."""
        try:
            value = self.figure(found)
        except KeyError:
            return ""
        missed = value < self.bound if self.is_least else value > self.bound
        bound = f"at {'least' if self.is_least else 'most'} {text(self.bound, self.unit)}"
        return f"| {self.about} | {text(value, self.unit)} | {bound} | {'missed' if missed else 'met'} |\n"


def table(found: Figures) -> str:
    """Markdown."""
    rows = "".join(goal.row(found) for goal in GOALS)
    return f"### Goals\n\n| | measured | goal | |\n| --- | ---: | ---: | --- |\n{rows}\n" if rows else ""


def _median(measure: str, count: int, peer: str = OURS) -> Callable[[Figures], float]:
    def figure(found: Figures) -> float:
        value = found[measure, count][peer].median
        if value is None:
            raise KeyError(measure)
        return value

    return figure


def _ratio(measure: str, count: int, peer: str = OURS, to: str = FLOOR) -> Callable[[Figures], float]:
    return lambda found: ratio(found, measure, count, peer, to)


def _big_start(found: Figures) -> float:
    """How much longer than the floor, when 150 ms for the interpreter's own start are taken off."""
    return (_median("start", 1000)(found) - 0.15) / _median("start", 1000, FLOOR)(found)


def _growth(found: Figures) -> float:
    return (_median("memory", 1000)(found) - _median("memory", 10)(found)) * 1024 / 990


def _big_heal(found: Figures) -> float:
    """Each beside the floor with as many workers: an exit costs the kernel more where there are more processes."""
    return ratio(found, "heal rested", 1000) / ratio(found, "heal rested", 10)


SERVER_RATES = tuple(f"server: {how} {verb}" for how in ("sync", "pipelined") for verb in OPERATION)

GOALS = (
    Goal("heal, rested, N = 10, to the floor in Python", _ratio("heal rested", 10), 1.2),
    Goal("heal, hot, N = 10, to the floor in Python", _ratio("heal hot", 10), 1.15),
    Goal("heal, rested, N = 10, to the floor in C", _ratio("heal rested", 10, to="floor (C)"), 2),
    Goal("heal, hot, N = 10, to the floor in C", _ratio("heal hot", 10, to="floor (C)"), 2),
    Goal("heal, rested, N = 1,000, to that with 10, each by its floor", _big_heal, 1.2),
    Goal("heal while somebody looks, N = 10, to that while nobody does", _ratio(LOOK, 10, WATCHED, OURS), 1.1),
    Goal("the same, N = 1,000", _ratio(LOOK, 1000, WATCHED, OURS), 1.1),
    *(Goal(f"{n:,} killed at once, to the floor in Python", _ratio("storm", n), 1.2) for n in (100, 500, 1000)),
    Goal("start of 10", _median("start", 10), 0.2, "s"),
    Goal("start of 1,000 less 150 ms, to the floor in Python", _big_start, 1.4),
    Goal("stop of 100", _median("stop", 100), 0.03, "s"),
    Goal("stop of 1,000", _median("stop", 1000), 0.15, "s"),
    *(Goal(f"idle, N = {n:,}: processor time", _median("idle CPU", n), 0.03, "s/min") for n in (10, 1000)),
    Goal("memory, N = 10", _median("memory", 10), 30, "MiB"),
    Goal("memory, N = 1,000", _median("memory", 1000), 36, "MiB"),
    Goal("memory: growth a worker", _growth, 6, "KiB"),
    Goal("crash loop of ten, 10 s: starts", _median("crash loop: starts in 10 s", 10), 120, ""),
    Goal("crash loop of ten, 10 s: processor time", _median("crash loop: CPU", 10), 0.08, "s"),
    Goal("--help", _median("command", 10, "--help"), 0.06, "s"),
    Goal("status --json", _median("command", 10, "status --json"), 0.11, "s"),
    Goal("status", _median("command", 10, "status"), 0.15, "s"),
    Goal("heal by a spare, of a worker with a start-up of 3 s", _median("heal by a spare", 10), 0.003, "s"),
    *(Goal(f"{rate}, to ZooKeeper 3.8", _ratio(rate, 0, EMBEDDED, REAL), 1, is_least=True) for rate in SERVER_RATES),
    Goal("server: watch latency, to ZooKeeper 3.8", _ratio("server: watch", 0, EMBEDDED, REAL), 1),
    Goal("server: start, to ZooKeeper 3.8", _ratio("server: start", 0, EMBEDDED, REAL), 1),
    Goal("server: restart with 200,000 nodes, to ZooKeeper 3.8", _ratio("server: restart", NODES, EMBEDDED, REAL), 1),
    Goal("server: memory, empty, to ZooKeeper 3.8", _ratio("server: memory, empty", 0, EMBEDDED, REAL), 0.25),
    Goal("server: memory with 200,000 nodes, to ZooKeeper 3.8", _ratio("server: memory", NODES, EMBEDDED, REAL), 0.25),
)
