"""All that can be measured, and with how many workers."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.measures import Measure, commands, crash_loop, cycle, heal, idle, start


@dataclass(frozen=True)
class Entry:
    """A measure, and the numbers of workers that it is taken with."""

    measure: Measure
    counts: tuple[int, ...]


CATALOGUE: dict[str, Entry] = {
    "heal": Entry(heal, (10, 1000)),
    "start": Entry(start, (10,)),
    "cycle": Entry(cycle, (100, 500, 1000)),
    "idle": Entry(idle, (10, 1000)),
    "crash-loop": Entry(crash_loop, (10,)),
    "commands": Entry(commands, (10,)),
}
