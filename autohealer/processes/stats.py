"""What processes use: CPU time, memory, connections.

psutil knows all of it. What is asked of a thousand workers every few seconds is read from /proc in one walk instead: a
look at one process costs 12 µs there, and 35 µs by a psutil.Process, whose children would be another walk for each.
Nothing here is imported before somebody looks or a limit asks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.standstill import STOPPED
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_GONE = "ZX"

Address = tuple[str, int]


class Measured(NamedTuple):
    """What one worker uses. ``rss`` is of its process alone, or of all its tree, as was asked."""

    cpu_s: float
    """Of its tree, since its start: what children that have ended have used is in it."""
    rss: int
    state: str
    """The letter of its process: R, S, D, T (stopped), t (stopped by a debugger)."""
    traced: bool
    """Whether it stands still because a debugger holds it."""


class _Process(NamedTuple):
    parent: int
    session: int
    state: str
    ticks: int
    pages: int


def measure(pids: Collection[int], *, tree: bool) -> dict[int, Measured]:
    """Every worker that is there, by the pid of its process.

    With ``tree`` whatever descends from it counts, or is in its session: one walk through /proc, however many are
    asked about. Memory that a process shares with its children counts for each of them.
    """
    processes = {pid: found for pid in (procfs.process_ids() if tree else pids) if (found := _read(pid)) is not None}
    wanted = set(pids)
    ticks: dict[int, int] = {}
    pages: dict[int, int] = {}
    for pid, process in processes.items():
        owner = pid if pid in wanted else _owner(process, processes, wanted)
        if owner is not None:
            ticks[owner] = ticks.get(owner, 0) + process.ticks
            pages[owner] = pages.get(owner, 0) + process.pages
    return {
        pid: Measured(ticks[pid] / _TICKS_PER_S, pages[pid] * _PAGE, whole.state, _is_traced(pid, whole.state))
        for pid in wanted
        if (whole := processes.get(pid)) is not None and whole.state not in _GONE
    }


def _read(pid: int) -> _Process | None:
    fields = (procfs.read_file(f"/proc/{pid}/stat", 4096) or b"").rpartition(b")")[2].split(None, 23)
    if len(fields) < 23:
        return None
    return _Process(
        parent=int(fields[1]),
        session=int(fields[3]),
        state=fields[0].decode("ascii", "replace"),
        ticks=int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14]),
        pages=int(fields[21]),
    )


def _owner(process: _Process, processes: Mapping[int, _Process], wanted: Collection[int]) -> int | None:
    """The worker that a process descends from, or whose session it is in."""
    while True:
        if process.session in wanted:
            return process.session
        if process.parent in wanted:
            return process.parent
        parent = processes.get(process.parent)
        if parent is None or parent is process or process.parent <= 1:
            return None
        process = parent


def _is_traced(pid: int, state: str) -> bool:
    return state in STOPPED and procfs.status_fields(pid).get("TracerPid", "0") != "0"


def memory_available() -> int:
    """Bytes that new processes can have without swapping."""
    import psutil  # noqa: PLC0415 - never before the first start

    return int(psutil.virtual_memory().available)


def holding_connection(pids: Iterable[int], addresses: Collection[Address]) -> set[int]:
    """Which of the processes hold, or a descendant of theirs holds, a TCP connection to one of the addresses.

    ``addresses`` are (ip, port), as resolved. An IPv4 address is met in its IPv6 form, too, which is how a JVM
    connects. The processes share our network. Takes its time: not for the loop's thread.
    """
    import psutil  # noqa: PLC0415 - never before the first start

    wanted, asked = {(_plain(ip), port) for ip, port in addresses}, set(pids)
    holders = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_ESTABLISHED
        and connection.pid is not None
        and _place(connection.raddr) in wanted
    }
    return {owner for holder in holders if (owner := _nearest(holder, asked)) is not None}


def _nearest(pid: int, asked: Collection[int]) -> int | None:
    """The process itself, or the first of its ancestors that is asked about."""
    while pid not in asked:
        stat = procfs.read_stat(pid)
        if stat is None or stat.parent <= 1:
            return None
        pid = stat.parent
    return pid


def _place(remote: Sequence[object]) -> tuple[str, object]:
    """Where a connection goes; none goes nowhere."""
    return (_plain(str(remote[0])), remote[1]) if len(remote) == 2 else ("", 0)


def _plain(ip: str) -> str:
    return ip.lower().removeprefix("::ffff:")
