"""What a process that does not do its job is doing instead: taken before it is ended, and in a moment.

State, wait channel and memory are read at once. The stacks of a Python worker take a little longer: one that has called
``autohealer.worker.debuggable`` writes them when it gets the signal that it catches for this; for others ``py-spy`` is
asked, where it is installed. No signal is sent to a process that does not catch it, for it would be its end.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autohealer.core.events import Evidence
from autohealer.errors import UsageError
from autohealer.processes.launch.command import Command, resolve_command
from autohealer.processes.output import printable
from autohealer.processes.short_command import CommandResult, ShortCommands
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from autohealer.processes.reaper import Reaper

PATIENCE_S = 1.5
MOST_AT_ONCE = 20
MOST_STACK = 8 * 1024
_POLL_S = 0.02
_KERNEL_STACK_DEPTH = 6
# It neither runs a handler nor lets anybody look in: stopped, traced, gone; and D would not answer in time.
_DEAF = "TtZXD"
_STACKS = re.compile(r"/memfd:autohealer-stacks-(\d{1,2}) \(deleted\)")


def look(pid: int) -> Evidence:
    """What /proc says: never waits. For a process that is gone, or hides, all is None."""
    status = procfs.status_fields(pid)
    if not status:
        return Evidence()
    channel = (procfs.read_file(f"/proc/{pid}/wchan", 256) or b"").decode(errors="replace").strip()
    resident = status.get("VmRSS", "").split()
    return Evidence(
        state=status.get("State"),
        waits_in=_kernel_stack(pid) or (channel if channel not in ("", "0") else None),
        rss=int(resident[0]) * 1024 if resident and resident[0].isdigit() else None,
    )


def _kernel_stack(pid: int) -> str:
    """The innermost functions, as in ``do_nanosleep < hrtimer_nanosleep``; only root may see them."""
    text = (procfs.read_file(f"/proc/{pid}/stack") or b"").decode(errors="replace")
    frames = [line.partition("] ")[2].partition("+")[0] for line in text.splitlines()]
    return " < ".join([frame for frame in frames if frame][:_KERNEL_STACK_DEPTH])


class EvidenceTaker:
    """Takes evidence of several at once: stacks of no more than twenty, and for no longer than ``PATIENCE_S``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reaper: Reaper) -> None:
        self.loop = loop
        self.commands = ShortCommands(loop, reaper, MOST_STACK)
        self._under_way = 0

    def take(
        self,
        worker: str,
        pid: int,
        send: Callable[[int], bool],
        output: Sequence[str],
        done: Callable[[Evidence], None],
    ) -> None:
        """Call ``done`` once, perhaps before this returns.

        ``send`` signals the worker's process, ``output`` is the end of what it wrote. In a storm those beyond the first
        twenty are told of without stacks.
        """
        found = replace(look(pid), output=tuple(output))
        is_deaf = found.state is None or found.state[:1] in _DEAF
        if is_deaf or self._under_way >= MOST_AT_ONCE:
            done(found)
            return
        self._under_way += 1

        def finish(stack: str) -> None:
            self._under_way -= 1
            done(replace(found, stack=stack or None))

        asked = _ask_worker(self, pid, send, finish) or _ask_py_spy(self, worker, pid, finish)
        if not asked:
            finish("")


def _ask_worker(taker: EvidenceTaker, pid: int, send: Callable[[int], bool], finish: Callable[[str], None]) -> bool:
    """Have a worker that is ready for it write its stacks, and wait until it has; False where it is not."""
    found = _stack_file(pid)
    if found is None:
        return False
    path, signum = found
    if not _catches(pid, signum):
        return False
    former = _size(path)
    if not send(signum):
        return False
    deadline = taker.loop.time() + PATIENCE_S

    def poll(size: int) -> None:
        grown = _size(path)
        # Written thread by thread: it is whole when it has stood still for a moment.
        if (grown > former and grown == size) or taker.loop.time() > deadline:
            finish(_read(path, former))
        else:
            taker.loop.call_later(_POLL_S, poll, grown)

    taker.loop.call_later(_POLL_S, poll, former)
    return True


def _stack_file(pid: int) -> tuple[str, int] | None:
    """Where a worker writes its stacks, and the signal that makes it. It has named both when it opened the file."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue
        if match := _STACKS.fullmatch(target):
            return f"{folder}/{name}", int(match[1])
    return None


def _catches(pid: int, signum: int) -> bool:
    mask = procfs.status_fields(pid).get("SigCgt", "0")
    return 0 < signum < 65 and bool(int(mask, 16) >> (signum - 1) & 1)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _read(path: str, offset: int) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return _clean(os.pread(fd, MOST_STACK, offset))
    except OSError:
        return ""
    finally:
        os.close(fd)


def _ask_py_spy(taker: EvidenceTaker, worker: str, pid: int, finish: Callable[[str], None]) -> bool:
    """Have py-spy look into a Python process; False where it cannot be asked."""
    command = _py_spy(pid)
    if command is None or taker.commands.is_running(worker):
        return False

    def ended(ended: CommandResult) -> None:
        timer.cancel()
        finish(_clean(ended.output) if ended.code == 0 else "")

    try:
        taker.commands.start(worker, command, os.environ, ended)
    except OSError:
        return False
    timer = taker.loop.call_later(PATIENCE_S, taker.commands.kill, worker)
    return True


def _py_spy(pid: int) -> Command | None:
    try:
        if "python" not in os.path.basename(os.readlink(f"/proc/{pid}/exe")):
            return None
        return resolve_command(("py-spy", "dump", "--nonblocking", "--pid", str(pid)), os.environ, "/")
    except (OSError, UsageError):
        return None


def _clean(data: bytes) -> str:
    return printable(data.decode(errors="replace")).strip()
