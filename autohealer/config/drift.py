"""Whether the file on disk still says what runs: the field ``config`` of ``status``."""

from __future__ import annotations

from typing import NamedTuple

from autohealer.config.diff import Difference, Fate
from autohealer.errors import UsageError

SAME, DIFFERS, INVALID = "same", "differs", "invalid"


class Drift(NamedTuple):
    """``state`` is same, differs or invalid; ``detail`` says in one line what differs, or what is wrong and where."""

    file: str
    state: str
    detail: str | None


def drift_of(file: str, found: Difference) -> Drift:
    """Of a file that holds, and differs so from what runs."""
    if found.is_empty:
        return Drift(file, SAME, None)
    names = [f"pool {change.pool}" for change in found.pools if change.fate is not Fate.EQUAL]
    what = ", ".join([*(["the agent"] if found.agent else []), *names])
    return Drift(file, DIFFERS, f"{what}: see `autohealer reload --dry-run`")


def invalid(file: str, error: UsageError) -> Drift:
    """Of a file that does not hold."""
    return Drift(file, INVALID, f"{error}; {error.hint}" if error.hint else str(error))
