"""``after``: which pools wait for which. A circle of them would wait for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple


class OrderError(NamedTuple):
    """What is wrong with the ``after`` of a pool, and what to do about it."""

    pool: str
    text: str
    hint: str


def order_error(after: Mapping[str, Sequence[str]]) -> OrderError | None:
    """The first mistake: a pool that is not there, or pools that wait for each other."""
    for pool, others in after.items():
        for other in others:
            if other not in after:
                close = get_close_matches(other, after, n=1)
                hint = f"did you mean {close[0]}?" if close else f"name one of: {', '.join(after)}"
                return OrderError(pool, f"there is no pool {other} to wait for", hint)
    for pool in after:
        circle = _circle(after, pool)
        if circle is not None:
            text = "a pool waits for itself" if len(circle) == 1 else "pools wait for each other"
            return OrderError(pool, f"{text}: {' -> '.join([*circle, pool])}", "take one of them out of its after")
    return None


def _circle(after: Mapping[str, Sequence[str]], start: str) -> list[str] | None:
    """The way from a pool back to itself."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for other in after[way[-1]]:
            if other == start:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return None
