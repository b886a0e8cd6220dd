"""What goes wrong in one life of a worker, and when: a pure function of a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Fault(StrEnum):
    """A way to fail, named as on the command line."""

    EXCEPTION = "exception"
    EXIT = "exit"
    SEGFAULT = "segfault"
    LEAK = "leak"
    HANG = "hang"
    STUCK = "stuck"
    SPIN = "spin"
    LOST_SESSION = "lost-session"
    DEAF = "deaf"
    ERRORS = "errors"
    NO_BEAT = "no-beat"
    NO_PROGRESS = "no-progress"
    LONG_TASK = "long-task"
    SILENT = "silent"
    BLOAT = "bloat"
    CLEAN_EXIT = "clean-exit"
    SLOW_START = "slow-start"
    NEVER_READY = "never-ready"


FINAL = frozenset(
    {
        Fault.EXCEPTION,
        Fault.EXIT,
        Fault.SEGFAULT,
        Fault.LEAK,
        Fault.STUCK,
        Fault.SPIN,
        Fault.LONG_TASK,
        Fault.SILENT,
        Fault.CLEAN_EXIT,
    }
)
"""After these a worker commits no other. It lives on with the others (a hang: if it is resumed)."""


AT_START = frozenset({Fault.SLOW_START, Fault.NEVER_READY})
"""These happen, if they do, before the worker works."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault, this long after the one before it, or after the start."""

    after_s: float
    fault: Fault


@dataclass(frozen=True, slots=True)
class Life:
    """All that is going to happen to one worker."""

    start_delay_s: float
    blows: Iterator[Blow]
    becomes_ready: bool = True


def draw_life(
    weights: Mapping[Fault, float], *, seed: str, slot: str, mean_life_s: float, mean_start_delay_s: float
) -> Life:
    """The life that ``seed`` gives the worker in ``slot``: workers with one seed differ, and each can be replayed.

    Times are exponential, as those of failures without a memory are.
    """
    rng = random.Random(f"{seed}/{slot}")  # noqa: S311 - chaos, not secrets
    slow, never = weights.get(Fault.SLOW_START, 0.0), weights.get(Fault.NEVER_READY, 0.0)
    drawn = rng.random() * sum(weights.values())
    start_delay_s = rng.expovariate(1 / mean_start_delay_s) if drawn < slow else 0.0
    later = {fault: weight for fault, weight in weights.items() if fault not in AT_START}
    return Life(start_delay_s, _blows(later, rng, mean_life_s), becomes_ready=not slow <= drawn < slow + never)


def _blows(weights: dict[Fault, float], rng: random.Random, mean_life_s: float) -> Iterator[Blow]:
    while weights:
        fault = rng.choices(list(weights), list(weights.values()))[0]
        yield Blow(rng.expovariate(1 / mean_life_s), fault)
        if fault in FINAL:
            return
        if fault is not Fault.HANG:
            del weights[fault]  # what is lost or deaf already cannot become so again
