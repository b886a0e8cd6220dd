"""Beside each output file: when what was written, and by which life.

A worker writes to its file by itself, so nobody sees its lines come. What is known is kept in ``FILE.index``: JSON
lines, each with a position. Positions count all bytes that were ever written to the slot, so that they stay true when
the text moves to the older file: a head tells at which position its file begins.

    {"base": 1048576, "generation": 3, "file": "2049:1311"}                            the file begins at this byte
    {"at": 1048700, "time": 1764265349.12}                                             written before then
    {"at": 1048700, "time": …, "worker": "web1-k3x9qa-0-h2d4c6", "pid": 4711}          a life began
    {"at": 1051234, "time": …, "worker": "web1-k3x9qa-0-h2d4c6", "exit": "SIGKILL"}    and ended

``generation`` grows with every cut; ``file`` is the file's device and inode: one that has other ones is not ours.
A line that makes no sense is passed over.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BYTES = 64 * 2**20


class Head(msgspec.Struct, frozen=True):
    """At which position the file begins, how often it was cut, and which file it is."""

    base: int
    generation: int
    file: str


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """What lies before ``at`` had been written by ``time`` (seconds since 1970)."""

    at: int
    time: float
    worker: str | None = None
    pid: int | None = None
    exit: str | None = None
    """How the life of ``worker`` ended; None where it began here, or where there is no worker."""

    @property
    def is_begin(self) -> bool:
        """Does a life begin here?"""
        return self.worker is not None and self.exit is None

    @property
    def is_end(self) -> bool:
        """Does a life end here?"""
        return self.worker is not None and self.exit is not None


class Index(msgspec.Struct, frozen=True):
    """The content of an index; ``head`` is None where there is none."""

    head: Head | None
    marks: list[Mark]


_encode = msgspec.json.Encoder().encode
_decode_head = msgspec.json.Decoder(Head).decode
_decode_mark = msgspec.json.Decoder(Mark).decode


def path_of(path: str) -> str:
    """Where the index of an output file is."""
    return f"{path}.index"


def line_of(entry: Head | Mark) -> bytes:
    """As it stands in the file."""
    return _encode(entry) + b"\n"


def read(path: str) -> Index:
    """The index of an output file; empty where there is none, or it cannot be read."""
    try:
        fd = os.open(path_of(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return Index(None, [])
    try:
        text = os.read(fd, min(MOST_BYTES, os.fstat(fd).st_size))
    except OSError:
        return Index(None, [])
    finally:
        os.close(fd)
    return parse(text)


def parse(text: bytes) -> Index:
    """The lines of an index. The last head counts: what it says is as of its own moment."""
    head: Head | None = None
    marks = []
    for line in text.splitlines():
        try:
            if line.startswith(b'{"base"'):
                head = _decode_head(line)
            else:
                marks.append(_decode_mark(line))
        except msgspec.MsgspecError:
            continue
    return Index(head, marks)


def write(path: str, entries: Iterable[Head | Mark]) -> None:
    """Put a new index in the place of the former one. Raises OSError."""
    new = f"{path_of(path)}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(new, flags, 0o600)
    try:
        os.write(fd, b"".join(map(line_of, entries)))
    finally:
        os.close(fd)
    os.replace(new, path_of(path))


def append(path: str, entries: Iterable[Head | Mark]) -> int:
    """Add to the index; how many bytes it has now. Raises OSError."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path_of(path), flags, 0o600)
    try:
        os.write(fd, b"".join(map(line_of, entries)))
        return os.fstat(fd).st_size
    finally:
        os.close(fd)


def thinned(marks: list[Mark]) -> list[Mark]:
    """Half of the times, and all lives."""
    return [mark for number, mark in enumerate(marks) if number % 2 or mark.worker is not None]


def split(marks: list[Mark], begin: int, end: int) -> tuple[list[Mark], list[Mark]]:
    """The marks for the text from ``begin`` to ``end``, and for what follows.

    A life that goes on is told again where each text begins, so that every text says whose it is.
    """
    return _lives_at(marks, begin) + [mark for mark in marks if begin < mark.at <= end], _lives_at(marks, end)


def _lives_at(marks: list[Mark], at: int) -> list[Mark]:
    """The lives that had begun at this position and not ended."""
    lives: dict[str, Mark] = {}
    for mark in marks:
        if mark.worker is None or mark.at > at:
            continue
        if mark.is_begin:
            lives[mark.worker] = mark
        else:
            lives.pop(mark.worker, None)
    return list(lives.values())
