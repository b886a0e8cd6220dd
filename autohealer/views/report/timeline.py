"""A slot's story as a row of cells, each of which stands for a part of the window."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from autohealer.views.report.model import Gap, SlotStory, Stretch

LONG = 0.5
"""A slot that was down for so large a part of a cell, was down there."""


class CellMark(StrEnum):
    """What is to be seen of a cell."""

    DOWN = "down"
    UNKNOWN = "unknown"
    DIED = "died"
    UP = "up"
    ABSENT = "absent"


class Cell(NamedTuple):
    """The worst that happened in a part of the window, and how often a worker died there."""

    mark: CellMark
    deaths: int


def cells(story: SlotStory, since: float, until: float, columns: int) -> list[Cell]:
    """So many cells of equal length, from ``since`` to ``until``."""
    each = (until - since) / columns or 1.0
    down, unknown, up = (_parts(ones, since, each, columns) for ones in (story.gaps, story.unknown, story.up))
    deaths = [0] * columns
    for death in story.deaths:
        deaths[min(columns - 1, max(0, int((death.at - since) / each)))] += 1
    return [Cell(_mark(down[i], unknown[i], up[i], deaths[i]), deaths[i]) for i in range(columns)]


def _mark(down: float, unknown: float, up: float, deaths: int) -> CellMark:
    if down >= LONG:
        return CellMark.DOWN
    if deaths:
        return CellMark.DIED
    if unknown >= LONG:
        return CellMark.UNKNOWN
    return (
        CellMark.UP if up > 0 else CellMark.DOWN if down > 0 else CellMark.UNKNOWN if unknown > 0 else CellMark.ABSENT
    )


def _parts(stretches: Iterable[Stretch | Gap], since: float, each: float, columns: int) -> list[float]:
    """Of every cell the part that these take."""
    found = [0.0] * columns
    for stretch in stretches:
        begin, end = (stretch.begin - since) / each, (stretch.end - since) / each
        for column in range(max(0, int(begin)), min(columns - 1, int(end)) + 1):
            found[column] += max(0.0, min(end, column + 1) - max(begin, column))
    return found
