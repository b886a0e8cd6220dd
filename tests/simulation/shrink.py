"""A scenario that fails, with less in it: steps are left out as long as it still fails."""

from __future__ import annotations

from tests.simulation.scenario import Scenario


def shrink(scenario: Scenario, tries: int = 200) -> Scenario:
    """One that fails, too. Halves of the steps are left out first, then quarters, and at last single ones."""
    steps = list(range(scenario.steps))
    size = max(1, len(steps) // 2)
    while tries > 0:
        found = False
        for begin in range(0, len(steps), size):
            kept = steps[:begin] + steps[begin + size :]
            tries -= 1
            if tries >= 0 and fails(scenario.with_only(frozenset(kept))):
                steps, found = kept, True
                break
        if not found and size == 1:
            break
        if not found:
            size = max(1, size // 2)
    return scenario.with_only(frozenset(steps))


def fails(scenario: Scenario) -> bool:
    """Whether it does not hold."""
    try:
        scenario.run()
    except AssertionError:
        return True
    return False
