"""Chooses faults by a seed, and says what it did."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.chaos.faults import FAULTS, Remedy, Scene

# So many faults that last are there at once: of three servers and three agents, one may be away.
LASTING_AT_ONCE = 1


def rage(scene: Scene, seconds: float, say: Callable[[str], None]) -> int:
    """Faults for so long, then all is made good again; how many there were."""
    remedies: list[tuple[float, str, Remedy]] = []
    end, done = time.monotonic() + seconds, 0
    while (now := time.monotonic()) < end:
        for remedy in [remedy for remedy in remedies if remedy[0] <= now]:
            remedies.remove(remedy)
            _mend(remedy, say)
        fault = scene.choices.choice(FAULTS)
        pause = scene.choices.uniform(0.05, 1.5)
        if len(remedies) < LASTING_AT_ONCE or fault in FAULTS[:4]:
            say(fault.__name__)
            done += 1
            mend = fault(scene)
            if mend is not None:
                remedies.append((now + scene.choices.uniform(0.2, 5.0), fault.__name__, mend))
        _until(min(end, time.monotonic() + pause))
    for remedy in remedies:
        _mend(remedy, say)
    return done


def _mend(remedy: tuple[float, str, Remedy], say: Callable[[str], None]) -> None:
    _, name, mend = remedy
    say(f"after {name}: made good")
    mend()


def _until(moment: float) -> None:
    """Chaos is a matter of time itself: nothing is waited for here but the next fault's moment."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
