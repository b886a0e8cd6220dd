"""Cut an output file back: its end goes to the older file, and with it what the index knows of it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from autohealer.processes.output import index
from autohealer.processes.output.files import identity
from autohealer.processes.output.index import Head, Index

if TYPE_CHECKING:
    from autohealer.processes.output.files import OutputFiles

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


def cut(files: OutputFiles, slot: int, base: int) -> int:
    """Keep the last ``max_bytes`` of the slot's file as the older file, and empty it; the position where it begins now.

    ``base`` is where it begins so far. What is written between the copy's end and the cut is lost: microseconds'
    worth. On a full disk the file is cut without a copy, as its room is what the disk lacks: the error is raised then,
    too, as OSError. Nothing is done to a file that is not ours.
    """
    path = files.path(slot)
    source = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(source)
        if not files.is_ours(slot, status):
            return base
        known = index.read(path)
        begin = max(0, status.st_size - files.max_bytes)
        try:
            end = _copy(source, begin, files.older(slot))
        except OSError:
            end = os.fstat(source).st_size
            raise
        else:
            _move_marks(known, files.older(slot), base + begin, base + end)
        finally:
            os.ftruncate(source, 0)
            _begin_anew(known, path, base + end, identity(status))
    finally:
        os.close(source)
    return base + end


def _copy(source: int, begin: int, older: str) -> int:
    """Copy from ``begin`` on by way of a new file, so that the older one stays if this fails; where the copy ends."""
    new = f"{older}.new"
    target = os.open(new, _CREATE, 0o600)
    offset = begin
    try:
        for _ in range(2):  # the second time, what came during the first; not for ever, behind a quick writer
            end = os.fstat(source).st_size
            while offset < end and (count := os.sendfile(target, source, offset, end - offset)):
                offset += count
        os.replace(new, older)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
    finally:
        os.close(target)
    return offset


def _move_marks(known: Index, older: str, begin: int, end: int) -> None:
    if known.head is not None:
        kept, _ = index.split(known.marks, begin, end)
        with contextlib.suppress(OSError):  # the text is there; of its times nothing is known then
            index.write(older, [Head(begin, known.head.generation, known.head.file), *kept])


def _begin_anew(known: Index, path: str, base: int, file: str) -> None:
    generation = 0 if known.head is None else known.head.generation + 1
    with contextlib.suppress(OSError):
        index.write(path, [Head(base, generation, file), *index.split(known.marks, base, base)[1]])
