"""The fields of ``/proc`` that tell one process from another.

Every reader answers None (or leaves the process out) when the process has vanished or may not be read:
between a look at ``/proc`` and the next line of code anything may have ended. Only a lack of descriptors is raised
(OSError with EMFILE or ENFILE): it tells nothing about the process, and must never be read as its end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_EXEC_S = 2.0
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
_GONE_STATES = "ZXx"  # zombie, and dead in two spellings of the kernel's


class ProcessStat(NamedTuple):
    """What ``/proc/PID/stat`` says of a process."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    start_time: int
    """Clock ticks from boot to start: with the pid and the boot id, the identity of a process."""

    @property
    def is_gone(self) -> bool:
        """Has it ended, though its parent has not collected its status yet?"""
        return self.state in _GONE_STATES


def parse_stat(text: bytes) -> ProcessStat | None:
    """Parse the content of ``/proc/PID/stat``; None if it is not one.

    The second field is the program's name in parentheses, and the name itself may hold parentheses, blanks
    and newlines, so the fields are counted from the last closing one.
    """
    head, _, tail = text.rpartition(b")")
    fields = tail.split(None, 20)
    try:
        return ProcessStat(
            pid=int(head.split(None, 1)[0]),
            state=fields[0].decode("ascii"),
            parent=int(fields[1]),
            group=int(fields[2]),
            session=int(fields[3]),
            start_time=int(fields[19]),
        )
    except (IndexError, ValueError):
        return None


def read_file(path: str, limit: int = 1 << 22) -> bytes | None:
    """The content of a file of ``/proc``, at most about ``limit`` bytes; None if it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NO_DESCRIPTOR:
            raise
        return None
    try:
        chunks = []
        while limit > 0 and (chunk := os.read(fd, min(limit, 1 << 16))):
            chunks.append(chunk)
            limit -= len(chunk)
    except OSError:
        return None
    finally:
        os.close(fd)
    return b"".join(chunks)


def read_stat(pid: int) -> ProcessStat | None:
    """The identity and family of one process."""
    text = read_file(f"/proc/{pid}/stat", 4096)
    return None if text is None else parse_stat(text)


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of ``pid``; None if there is no such process."""
    stat = read_stat(pid)
    return None if stat is None else stat.start_time


def process_ids() -> list[int]:
    """Every process there is."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def all_stats(without: Container[int] = ()) -> dict[int, ProcessStat]:
    """Every process but those named, by pid."""
    found = {}
    for pid in process_ids():
        if pid not in without and (stat := read_stat(pid)) is not None:
            found[pid] = stat
    return found


def children(pid: int) -> list[int] | None:
    """The children of a process; None where the kernel does not tell (no CONFIG_PROC_CHILDREN).

    The kernel calls the list unreliable, because a child that is reaped while it is read may hide another.
    Of our own children none is reaped but by ourselves, so of them it is complete.
    """
    if not _CHILDREN_ARE_LISTED:
        return None
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError as error:
        if error.errno in _NO_DESCRIPTOR:
            raise
        return found
    for thread in threads:
        text = read_file(f"/proc/{pid}/task/{thread}/children")
        found.extend(map(int, (text or b"").split()))
    return found


def descendants(pid: int) -> set[tuple[int, int]]:
    """What is below a process now, as pids with start times; empty where the kernel does not tell."""
    found = set()
    waiting = children(pid) or []
    while waiting:
        stat = read_stat(waiting.pop())
        if stat is not None and (stat.pid, stat.start_time) not in found:
            found.add((stat.pid, stat.start_time))
            waiting += children(stat.pid) or []
    return found


_CHILDREN_ARE_LISTED = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def environment(pid: int) -> bytes | None:
    """The environment that a process was started with, as NUL-ended strings.

    None for another user's process. A program that overwrites its own arguments to show a title
    (postgres, nginx) may have overwritten this, too. Empty while exec is under way, see `may_be_in_exec`.
    """
    return read_file(f"/proc/{pid}/environ")


def may_be_in_exec(stat: ProcessStat) -> bool:
    """May a process whose environment reads as empty be about to get one?

    Within exec the new image is there before its environment is; whoever waits for exec, as posix_spawn does,
    goes on before that. Those that live longer have none for good.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME) - stat.start_time / _TICKS_PER_S < _EXEC_S


def variable(environ: bytes, name: str) -> str | None:
    """One variable of an ``environment``."""
    _, found, rest = (b"\0" + environ).partition(b"\0" + name.encode() + b"=")
    return os.fsdecode(rest.partition(b"\0")[0]) if found else None


def user(pid: int) -> int | None:
    """The real user of a process: who it acts for, whatever set-user-ID program it executes."""
    words = status_fields(pid).get("Uid", "").split()
    return int(words[0]) if words and words[0].isdigit() else None


def outputs(pid: int) -> set[str]:
    """The paths behind a process's standard output and error; only root sees those of another user's process."""
    found = set()
    for fd in (1, 2):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def boot_id() -> str:
    """A name for the time since the machine's last start; pids and start times mean nothing beyond it."""
    return (read_file("/proc/sys/kernel/random/boot_id") or b"").decode("ascii").strip()


def age_s(start_time_ticks: int) -> float:
    """How long ago a process was started, in seconds."""
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - start_time_ticks / float(_TICKS_PER_S))


def started_at(start_time_ticks: int) -> datetime:
    """The wall-clock time of a start, for display."""
    return datetime.fromtimestamp(time.time() - age_s(start_time_ticks), UTC)


def status_fields(pid: int) -> Mapping[str, str]:
    """The lines of ``/proc/PID/status``; empty if there is no such process."""
    text = (read_file(f"/proc/{pid}/status") or b"").decode(errors="replace")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
