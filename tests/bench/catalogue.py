"""All that can be measured, and with how many workers."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.budget import budget
from tests.bench.changes import leave, reload, restart, spare
from tests.bench.measures import Measure, commands, crash_loop, cycle, heal, idle, start
from tests.bench.servers import NODES, server_restarts, server_starts, servers
from tests.bench.spread import machine, on_one_core
from tests.bench.watched import watched


@dataclass(frozen=True)
class Entry:
    """A measure, and the numbers of workers that it is taken with."""

    measure: Measure
    counts: tuple[int, ...]
    quick_counts: tuple[int, ...] | None = None
    """Where a quick run has fewer, or none."""


CATALOGUE: dict[str, Entry] = {
    "heal": Entry(heal, (10, 1000)),
    "budget": Entry(budget, (10,)),
    "watched": Entry(watched, (10, 1000), (10,)),
    "machine": Entry(machine, (0,), ()),
    "on-one-core": Entry(on_one_core, (10,), ()),
    "start": Entry(start, (10,)),
    "cycle": Entry(cycle, (100, 500, 1000), (100, 1000)),
    "idle": Entry(idle, (10, 1000)),
    "crash-loop": Entry(crash_loop, (10,)),
    "commands": Entry(commands, (10,)),
    "servers": Entry(servers, (0,)),
    "server-starts": Entry(server_starts, (0,)),
    "server-restarts": Entry(server_restarts, (NODES,)),
    "spare": Entry(spare, (10,)),
    "leave": Entry(leave, (10,)),
    "restart": Entry(restart, (100,), ()),
    "reload": Entry(reload, (50,)),
}
