"""Whether the file on disk still says what runs: the field ``config`` of ``status``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from autohealer.config.diff import Fate, difference
from autohealer.config.load import load
from autohealer.config.schema import Configuration
from autohealer.errors import UsageError

SAME, DIFFERS, INVALID = "same", "differs", "invalid"


class Drift(NamedTuple):
    """``state`` is same, differs or invalid; ``detail`` says in one line what differs, or what is wrong and where."""

    file: str
    state: str
    detail: str | None


def drift(running: Configuration, environ: Mapping[str, str]) -> Drift | None:
    """What has become of the file that this configuration was read from; None where it is of no file."""
    if running.file is None:
        return None
    try:
        found = difference(running, load(running.file, environ, running.typed).configuration)
    except UsageError as error:
        return Drift(running.file, INVALID, f"{error}; {error.hint}" if error.hint else str(error))
    if found.is_empty:
        return Drift(running.file, SAME, None)
    names = [change.pool for change in found.pools if change.fate is not Fate.EQUAL]
    what = [*(["the agent"] if found.agent else []), *(f"pool {name}" for name in names)]
    return Drift(running.file, DIFFERS, f"{', '.join(what)}: see `autohealer reload --dry-run`")
