"""Curves in characters: small ones in a line of blocks, large ones in braille dots, with axes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log10

BLOCKS = "▁▂▃▄▅▆▇█"
# The bit of each dot of a braille character, by column and by row from the top.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800


def blocks(values: Sequence[float], width: int, top: float) -> str:
    """The last ``width`` values, a character each; ``top`` fills one. Blank where there is no value yet."""
    shown = values[-width:] if width else values[:0]
    highest = len(BLOCKS) - 1
    scale = highest / top if top > 0 else 0.0
    text = "".join([BLOCKS[min(highest, max(0, int(value * scale + 0.5)))] for value in shown])
    return text.rjust(width)


class Dots:
    """A canvas of braille: two dots a column, four a row."""

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns * 2, rows * 4
        self._cells = [[0] * columns for _ in range(rows)]

    def set(self, x: int, y: int) -> None:
        """Set a dot; ``y`` counts from the top. One beyond the edge is left out."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]

    def rows(self) -> list[str]:
        """The lines of text."""
        return ["".join([chr(_BRAILLE | cell) if cell else " " for cell in row]) for row in self._cells]


def area(values: Sequence[float], columns: int, rows: int, low: float, high: float) -> list[str]:
    """A filled curve of the last values, two a column, the newest at the right edge."""
    dots = Dots(columns, rows)
    shown = values[-dots.width :]
    left = dots.width - len(shown)
    span = (high - low) or 1.0
    for index, value in enumerate(shown):
        level = max(1, round((value - low) / span * dots.height))
        for y in range(dots.height - min(level, dots.height), dots.height):
            dots.set(left + index, y)
    return dots.rows()


def decades(values: Iterable[float]) -> tuple[int, int]:
    """The powers of ten that the values lie between; at least one decade."""
    found = [log10(value) for value in values if value > 0]
    if not found:
        return 0, 2
    low, high = int(min(found) // 1), int(-(-max(found) // 1))
    return low, max(high, low + 1)


def scatter(points: Iterable[tuple[float, float]], columns: int, rows: int, ten: tuple[int, int]) -> list[str]:
    """Points as pairs of dots: x from 0 to 1, y on a scale of powers of ten from ``ten[0]`` up to ``ten[1]``."""
    dots = Dots(columns, rows)
    for x, value in points:
        column, row = min(dots.width - 1, int(x * dots.width)), row_of(value, dots.height, ten)
        dots.set(column, row)
        dots.set(column, row + (1 if row % 4 < 3 else -1))
    return dots.rows()


def row_of(value: float, rows: int, ten: tuple[int, int]) -> int:
    """Where a value stands on such a scale of so many rows, counted from the top."""
    level = (log10(max(value, 1e-9)) - ten[0]) / (ten[1] - ten[0])
    return round((1 - min(1.0, max(0.0, level))) * (rows - 1))
