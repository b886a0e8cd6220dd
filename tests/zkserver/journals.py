"""Journals on disk, and what a life of the server makes of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from autohealer.zkserver.entries import (
    Key,
    State,
    keys_of,
    write_epoch,
    write_node,
)
from autohealer.zkserver.journal import Journal
from autohealer.zkserver.tree import Node

OPEN_ACL = ((31, "world", "anyone"),)


def batches(count: int) -> list[bytes]:
    """Batches that each make one node."""
    return [write_node(f"/n{number}", Node(b"data", OPEN_ACL, 0, number, 0)) for number in range(count)]


def record(entries: bytes) -> bytes:
    """One batch as it stands in a journal, with sums that are right."""
    length = struct.pack(">I", len(entries))
    return length + struct.pack(">II", zlib.crc32(length), zlib.crc32(entries)) + entries


class Batches:
    """A journal's contents that are some batches, each about one node of its own."""

    def __init__(self, *written: bytes, epoch: int = 1) -> None:
        self.written = list(written)
        self._epoch = write_epoch(epoch)

    def everything(self) -> Iterator[bytes]:
        return iter([self._epoch, *self.written])

    def current(self, keys: set[Key]) -> bytes:
        return self._epoch + b"".join(batch for batch in self.written if keys_of(batch) & keys)


def life(directory: Path, *entries: bytes, epoch: int = 1) -> State:
    """One life: what was found, and what it adds."""
    journal = Journal(directory)
    try:
        state = journal.load()
        journal.open(Batches(epoch=epoch), epoch, 0.0)
        for batch in entries:
            journal.append(batch, 0.0)
    finally:
        journal.close()
    return state
