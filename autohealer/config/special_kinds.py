"""The kinds of values that single options have: hosts, names of pools, parts of a share, limits, addresses."""

from __future__ import annotations

import re
import resource

from autohealer.config.kinds import UNITS, Duration, Kind, Text

POOL_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
POOL_NAME_HINT = "use at most 64 letters, digits, dots, dashes and underscores, and no leading dot"


class Hosts(Text):
    """A ZooKeeper connection string. What each host must look like is checked where it is connected to."""

    def __init__(self) -> None:
        super().__init__("HOSTS[/CHROOT]")

    def parse(self, text: str) -> str:
        """The text; white space inside it is the mistake that is made."""
        if text != "".join(text.split()) or not text:
            raise ValueError(f"{text!r} is no connection string; write hosts with commas, as in zk1:2181,zk2:2181/path")
        return text


class PoolName(Text):
    """The name of a pool: a folder and a znode are called so, and it is printed."""

    def __init__(self) -> None:
        super().__init__("NAME")

    def parse(self, text: str) -> str:
        """The name."""
        if not POOL_NAME.fullmatch(text):
            raise ValueError(f"{text!r} cannot be the name of a pool; {POOL_NAME_HINT}")
        return text


class ListenAddress(Kind[str]):
    """Where to listen: ``tcp:HOST:PORT`` or ``unix:PATH``."""

    name = "ADDRESS"
    expected = "tcp:HOST:PORT, such as tcp:0.0.0.0:8000, nor unix:PATH"

    def parse(self, text: str) -> str:
        """The text, if it is one of these."""
        kind, _, where = text.partition(":")
        host, _, port = where.rpartition(":")
        is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65_535
        if (kind == "tcp" and host and is_port) or (kind == "unix" and where and "\0" not in where):
            return text
        raise ValueError(f"{text!r} is neither {self.expected}")


class CountOrPart(Kind[int | float]):
    """A number of workers, or a part of them: ``3``, or ``25%`` (0.25)."""

    name = "N|N%"
    takes_numbers = True
    expected = "a number of workers such as 3, nor a part such as 25%"

    def parse(self, text: str) -> int | float:
        """An integer, or a fraction."""
        digits = text.removesuffix("%")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
            raise ValueError(f"{text!r} is not {self.expected}")
        if digits == text:
            return int(text)
        if int(digits) > 100:
            raise ValueError(f"{text} is more than all")
        return int(digits) / 100

    def show(self, value: int | float) -> str:
        """As it is typed."""
        return str(value) if isinstance(value, int) else f"{round(value * 100)}%"


class Ready(Kind[str]):
    """When a worker counts as ready: a word, ``log:REGEX`` or ``after:SECONDS``."""

    name = "WHEN"
    WORDS = ("registered", "probe", "notify", "started")
    expected = f"one of {', '.join(WORDS)}, log:REGEX, after:SECONDS"

    def parse(self, text: str) -> str:
        """The text, if it is one of these. The regular expression is looked at where it is used."""
        word, colon, rest = text.partition(":")
        if text in self.WORDS or (word == "log" and rest):
            return text
        if word == "after" and colon:
            Duration().parse(rest)
            return text
        raise ValueError(f"{text!r} is not {self.expected}")


class FileMode(Kind[int]):
    """Permission bits in octal digits."""

    name = "MODE"
    expected = "a file mode in octal digits such as 027, as text"

    def parse(self, text: str) -> int:
        """As a number."""
        if not (text.isascii() and text.isdigit() and set(text) <= set("01234567") and int(text, 8) <= 0o777):
            raise ValueError(f"{text!r} is not {self.expected}")
        return int(text, 8)

    def show(self, value: int) -> str:
        """In octal digits."""
        return f"{value:03o}"


class Limit(Kind[tuple[str, str]]):
    """``NAME=SOFT[:HARD]``: a limit of resources as ``ulimit`` sets it, with K, M or G, or ``unlimited``."""

    name = "NAME=SOFT[:HARD]"
    is_pair = True
    NAMES = tuple(
        sorted(
            name.removeprefix("RLIMIT_").lower()
            for name in dir(resource)
            if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"
        )
    )

    def parse(self, text: str) -> tuple[str, str]:
        """The name, and both limits as ``SOFT:HARD``, in numbers or ``unlimited``; without HARD both are the same."""
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form {self.name}")
        if name.lower() not in self.NAMES:
            raise ValueError(f"there is no limit {name!r}; there are {', '.join(self.NAMES)}")
        soft, colon, hard = value.partition(":")
        low, high = _limit(soft), _limit(hard if colon else soft)
        if high is not None and (low is None or low > high):
            raise ValueError(f"the soft limit of {text!r} is above the hard one")
        return name.lower(), ":".join("unlimited" if limit is None else str(limit) for limit in (low, high))

    def show(self, value: tuple[str, str]) -> str:
        """As it can be typed."""
        return "=".join(value)


def _limit(text: str) -> int | None:
    """A number; None for ``unlimited``."""
    upper = text.upper()
    unit = upper[-1:] if upper[-1:] in UNITS else ""
    number = upper.removesuffix(unit)
    if upper == "UNLIMITED":
        return None
    if not (number.isascii() and number.isdigit() and len(number) <= 15):
        raise ValueError(f"{text!r} is no limit; write a number such as 4096 or 2G, or unlimited")
    return int(number) * UNITS[unit]
