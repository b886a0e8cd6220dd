"""Values on the command line: durations, sizes, signals, K=V."""

from __future__ import annotations

import math
import signal
from typing import Any

import click

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """Seconds, as a number; or with a unit: 90s, 5m, 1h, 2d."""

    name = "seconds"

    def __init__(self, least: float = 0.0) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds, finite and not less than the least."""
        text = str(value)
        unit = SECONDS.get(text[-1:], 0)
        try:
            seconds = float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds, nor a duration such as 90s, 5m, 1h or 2d", param, ctx)
        if not (math.isfinite(seconds) and seconds >= self._least):
            self.fail(f"{value} is not a number of seconds from {self._least:g} up", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """Bytes, with K, M or G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes."""
        text = str(value).upper()
        unit = text[-1:] if text[-1:] in UNITS else ""
        number = text.removesuffix(unit)
        if not (number.isascii() and number.isdigit() and int(number) > 0):
            self.fail(f"{value!r} is not a size such as 500K, 10M or 2G", param, ctx)
        return int(number) * UNITS[unit]


class SignalNumber(click.ParamType[int]):
    """A signal by name or number."""

    name = "signal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Its number."""
        text = str(value).upper().removeprefix("SIG")
        if text.isascii() and text.isdigit() and int(text) in signal.valid_signals():
            return int(text)
        try:
            return signal.Signals[f"SIG{text}"].value
        except KeyError:
            self.fail(f"{value!r} is not a signal such as TERM, INT or 15", param, ctx)


class Assignment(click.ParamType[tuple[str, str]]):
    """``K=V``."""

    name = "K=V"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The name and the value."""
        if isinstance(value, tuple):
            return value
        name, equals, content = str(value).partition("=")
        if not (name and equals):
            self.fail(f"{value!r} is not of the form K=V", param, ctx)
        return name, content
