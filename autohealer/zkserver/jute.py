"""Jute, ZooKeeper's serialization: big-endian integers, and strings, buffers and vectors behind their length.

A length of -1 is null. No length is believed: what it claims must be there, and nothing is allocated for the claim.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

INT: Final = Struct(">i")
LONG: Final = Struct(">q")
NULL: Final = b"\xff\xff\xff\xff"


class MalformedError(ValueError):
    """The bytes are not the record they should be."""


class Reader:
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

    def _advance(self, size: int) -> int:
        at = self.at
        if size > self._end - at:
            raise MalformedError(f"{size} bytes wanted, {self._end - at} left")
        self.at = at + size
        return at

    def read_int(self) -> int:
        """Four bytes, signed."""
        value: int = INT.unpack_from(self._data, self._advance(4))[0]
        return value

    def read_long(self) -> int:
        """Eight bytes, signed."""
        value: int = LONG.unpack_from(self._data, self._advance(8))[0]
        return value

    def read_bool(self) -> bool:
        """One byte; whatever is not 0 is true."""
        return self._data[self._advance(1)] != 0

    def read_bytes(self, size: int) -> bytes:
        """So many bytes as they are."""
        at = self._advance(size)
        return self._data[at : at + size]

    def read_buffer(self) -> bytes | None:
        """Bytes behind their length, or null."""
        size = self.read_int()
        if size < 0:
            if size == -1:
                return None
            raise MalformedError(f"a length of {size}")
        return self.read_bytes(size)

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
