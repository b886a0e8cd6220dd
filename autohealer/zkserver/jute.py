"""Jute, ZooKeeper's serialization: big-endian integers, and strings, buffers and vectors behind their length.

A length of -1 is null. No length is believed: what it claims must be there, and nothing is allocated for the claim.
"""

from __future__ import annotations

from struct import Struct, error
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

INT: Final = Struct(">i")
LONG: Final = Struct(">q")
NULL: Final = b"\xff\xff\xff\xff"

_read_int = INT.unpack_from
_read_long = LONG.unpack_from


class MalformedError(ValueError):
    """The bytes are not the record they should be."""


#: What a record that is cut short, or no record at all, raises when it is read.
MALFORMED: Final = (MalformedError, error)


def int32(value: int) -> int:
    """The value as 32 bits hold it, signed: what goes past 2,147,483,647 begins again at -2,147,483,648."""
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


class RecordReader:
    """Takes one value after the other from a record."""

    __slots__ = ("_data", "_end", "at")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._end = len(data)
        self.at = at

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self._end - self.at

    def read_int(self) -> int:
        """Four bytes, signed."""
        value: int = _read_int(self._data, self.at)[0]
        self.at += 4
        return value

    def read_long(self) -> int:
        """Eight bytes, signed."""
        value: int = _read_long(self._data, self.at)[0]
        self.at += 8
        return value

    def read_bool(self) -> bool:
        """One byte; whatever is not 0 is true."""
        return self.read_bytes(1) != b"\0"

    def read_bytes(self, size: int) -> bytes:
        """So many bytes as they are."""
        at = self.at
        end = at + size
        if end > self._end:
            raise MalformedError(f"{size} bytes wanted, {self._end - at} left")
        self.at = end
        return self._data[at:end]

    def skip(self, expected: bytes) -> bool:
        """Are these bytes next? If so they are read."""
        if not self._data.startswith(expected, self.at):
            return False
        self.at += len(expected)
        return True

    def read_buffer(self) -> bytes | None:
        """Bytes behind their length, or null."""
        at = self.at + 4
        size: int = _read_int(self._data, at - 4)[0]
        if size < 0:
            if size != -1:
                raise MalformedError(f"a length of {size}")
            self.at = at
            return None
        end = at + size
        if end > self._end:
            raise MalformedError(f"{size} bytes wanted, {self._end - at} left")
        self.at = end
        return self._data[at:end]

    def read_string(self) -> str | None:
        """UTF-8 behind its length, or null."""
        # Java's decoder puts U+FFFD for what is not UTF-8, and no path with one in it is valid
        value = self.read_buffer()
        return None if value is None else value.decode("utf-8", "replace")

    def read_strings(self) -> list[str]:
        """A vector of strings, none of them null, nor the vector itself."""
        count = self.read_int()
        if count == -1:
            raise MalformedError("a null vector")
        values = []
        for _ in range(count):
            value = self.read_string()
            if value is None:
                raise MalformedError("a null string")
            values.append(value)
        return values


def write_buffer(value: bytes | None) -> bytes:
    """Bytes behind their length, or null."""
    return NULL if value is None else INT.pack(len(value)) + value


def write_string(value: str) -> bytes:
    """UTF-8 behind its length."""
    encoded = value.encode()
    return INT.pack(len(encoded)) + encoded


def write_strings(values: Iterable[str]) -> bytes:
    """A vector of strings."""
    pack = INT.pack
    parts = [b""]
    for value in values:
        encoded = value.encode()
        parts.append(pack(len(encoded)))
        parts.append(encoded)
    parts[0] = pack(len(parts) // 2)
    return b"".join(parts)
