"""The kinds of values that options have: read from text or TOML, checked, and shown again as one would type them.

A value that makes no sense raises ValueError; its message names the value and says what would make sense.
"""

from __future__ import annotations

import math
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
JsonSchema = dict[str, object]

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Kind(ABC, Generic[T]):
    """One kind of value. ``name`` stands for it in usage lines, as in ``--stop-timeout DURATION``."""

    name = "TEXT"
    is_pair = False
    """Whether a value is a name and its value: several make a table."""
    takes_numbers = False
    """Whether a bare number means something in a file."""
    expected = "a text"
    """What would have been right, as it follows "is not"."""

    @abstractmethod
    def parse(self, text: str) -> T:
        """The value that this text means, as it is typed or stands in the environment."""

    def read(self, value: object) -> T:
        """The value that stands in a configuration file: text as on the command line, or a plain number."""
        if isinstance(value, str):
            return self.parse(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and self.takes_numbers:
            return self.parse(f"{value}")
        raise ValueError(f"{_toml(value)} is not {self.expected}")

    def show(self, value: T) -> str:
        """The value as text that `parse` understands."""
        return str(value)

    def json_schema(self) -> JsonSchema:
        """What a configuration file may have there."""
        return {"type": ["string", "number"] if self.takes_numbers else "string"}


class Text(Kind[str]):
    """Any text but an empty one."""

    def __init__(self, name: str = "TEXT") -> None:
        self.name = name

    def parse(self, text: str) -> str:
        """The text itself."""
        if not text:
            raise ValueError("an empty text says nothing; leave it out, or write a value")
        if "\0" in text:
            raise ValueError("there is a NUL character in it, which nothing can be called by")
        return text


class FilePath(Text):
    """The path of a file or directory; in a configuration file relative to that file."""

    def __init__(self, name: str = "FILE") -> None:
        super().__init__(name)


class Flag(Kind[bool]):
    """Yes or no: true or false in a file, 1 or 0 in the environment."""

    name = ""

    def parse(self, text: str) -> bool:
        """What the environment says."""
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off"):
            return False
        raise ValueError(f"{text!r} is neither true nor false")

    def read(self, value: object) -> bool:
        """What the file says."""
        if isinstance(value, bool):
            return value
        raise ValueError(f"{_toml(value)} is neither true nor false")

    def show(self, value: bool) -> str:
        """As TOML has it."""
        return str(value).lower()

    def json_schema(self) -> JsonSchema:
        """A boolean."""
        return {"type": "boolean"}


class Integer(Kind[int]):
    """A whole number within bounds."""

    takes_numbers = True

    def __init__(self, least: int = 0, most: int | None = None, name: str = "N") -> None:
        self.name = name
        self.least, self.most = least, most
        self.expected = f"a whole number from {least:,}" + (" up" if most is None else f" to {most:,}")

    def parse(self, text: str) -> int:
        """The number, in digits: no exponent, no point."""
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"{text!r} is not {self.expected}")
        if len(digits) > 18 or (number := int(text)) < self.least or (self.most is not None and number > self.most):
            raise ValueError(f"{text} is not {self.expected}")
        return number

    def json_schema(self) -> JsonSchema:
        """With the bounds."""
        most = {} if self.most is None else {"maximum": self.most}
        return {"type": "integer", "minimum": self.least, **most}


class Duration(Kind[float]):
    """Seconds, as a number; or with a unit: 90s, 5m, 1h, 2d."""

    name = "DURATION"
    takes_numbers = True
    expected = "a number of seconds, nor a duration such as 90s, 5m, 1h or 2d"

    def __init__(self, least: float = 0.0) -> None:
        self.least = least

    def parse(self, text: str) -> float:
        """The seconds, finite and not less than the least."""
        unit = SECONDS.get(text[-1:], 0)
        try:
            seconds = float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a number of seconds, nor a duration such as 90s, 5m, 1h or 2d") from None
        if not (math.isfinite(seconds) and seconds >= self.least):
            raise ValueError(f"{text} is not a number of seconds from {self.least:g} up")
        return seconds

    def show(self, value: float) -> str:
        """Seconds, without a point where none is needed."""
        return str(int(value)) if value == int(value) else repr(value)


class Size(Kind[int]):
    """Bytes, with K, M or G."""

    name = "SIZE"
    takes_numbers = True
    expected = "a size such as 500K, 10M or 2G"

    def parse(self, text: str) -> int:
        """The bytes, at least one."""
        upper = text.upper()
        unit = upper[-1:] if upper[-1:] in UNITS else ""
        number = upper.removesuffix(unit)
        if not (number.isascii() and number.isdigit() and len(number) <= 18 and int(number) > 0):
            raise ValueError(f"{text!r} is not {self.expected}")
        return int(number) * UNITS[unit]

    def show(self, value: int) -> str:
        """With the largest unit that leaves a whole number."""
        for unit in ("G", "M", "K"):
            if value % UNITS[unit] == 0:
                return f"{value // UNITS[unit]}{unit}"
        return str(value)


class SignalNumber(Kind[int]):
    """A signal by name or number."""

    name = "SIGNAL"
    takes_numbers = True
    expected = "a signal such as TERM, INT or 15"

    def parse(self, text: str) -> int:
        """Its number."""
        name = text.upper().removeprefix("SIG")
        if name.isascii() and name.isdigit() and len(name) < 4 and int(name) in signal.valid_signals():
            return int(name)
        try:
            return signal.Signals[f"SIG{name}"].value
        except KeyError:
            raise ValueError(f"{text!r} is not {self.expected}") from None

    def show(self, value: int) -> str:
        """Its name without SIG; the number of a realtime signal that has none."""
        try:
            return signal.Signals(value).name.removeprefix("SIG")
        except ValueError:
            return str(value)


class Choice(Kind[str]):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.name = f"[{'|'.join(words)}]"
        self.expected = f"one of {', '.join(words)}"

    def parse(self, text: str) -> str:
        """The word as it stands in the list."""
        if text.lower() not in self.words:
            raise ValueError(f"{text!r} is not {self.expected}")
        return text.lower()

    def json_schema(self) -> JsonSchema:
        """The words."""
        return {"enum": list(self.words)}


class Variable(Kind[tuple[str, str]]):
    """``K=V``: a variable of an environment."""

    name = "K=V"
    is_pair = True

    def parse(self, text: str) -> tuple[str, str]:
        """The name and the value; the value may be empty."""
        name, equals, value = text.partition("=")
        if not (name and equals) or "\0" in text:
            raise ValueError(f"{text!r} is not of the form K=V")
        return name, value

    def show(self, value: tuple[str, str]) -> str:
        """As it is typed."""
        return "=".join(value)


def _toml(value: object) -> str:
    """A value as it stood in the file, for a message."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "an array"
    return repr(value)
