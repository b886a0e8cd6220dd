"""Notes when workers wrote, and cuts their files back: in a thread of its own, and only when something is written.

The kernel tells of the first write after a rest. From then on the files are looked at until all rest again: soon at
first, then every `LOOK_S`, and much more often while one of them grows quickly. So a burst is cut back while it lasts,
a quiet pool costs nothing, and a disk that stalls holds up nobody but this thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from autohealer.processes.output import index
from autohealer.processes.output.cut import cut
from autohealer.processes.output.files import identity
from autohealer.processes.output.index import Head, Mark
from autohealer.processes.output.inotify import Inotify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autohealer.processes.output.files import OutputFiles

FIRST_S, LOOK_S = 0.0025, 0.05
HURRY_S = 0.001
WITHOUT_INOTIFY_S = 1.0
# Lives are noted so often at most: where workers crash again and again, each wake-up would cost the loop's thread time.
LIVES_S = 0.5
# A file that grows by this part of its limit between two looks grows quickly.
QUICK = 1 / 16
# While it waits for its turn on a busy machine, a quick writer fills the disk.
NICE = -10
# At most this part of a core for looks, however many files there are.
SHARE = 50
# One time for so long, or for so much text, is enough.
MARK_S, MARK_BYTES = 1.0, 64 * 1024
MOST_INDEX_BYTES = 512 * 1024


class _LifeNote(msgspec.Struct):
    """What is to be noted of a worker: that its life began, or (``exit``) ended."""

    slot: int
    worker: str
    time: float
    pid: int | None = None
    exit: str | None = None
    size: int | None = None
    """How much was in the file when it began; None if that is not known."""
    generation: int = 0


class _File(msgspec.Struct):
    """What is known of a slot's file."""

    base: int = 0
    size: int = 0
    generation: int = 0
    file: str = ""
    marked_at: int = -1
    marked: float = 0.0
    grown: float = 0.0


class Keeper:
    """The keeper of one pool's output files. All but the thread's own work is called from the loop's thread.

    ``warn`` gets a line about what does not work; it is called from the keeper's thread.
    """

    def __init__(self, files: OutputFiles, warn: Callable[[str], None]) -> None:
        self._files, self._warn = files, warn
        self._lives: list[_LifeNote] = []
        self._settled: deque[_LifeNote] = deque()
        self._slots: dict[int, _File] = {}
        for slot in files.slots():
            self._file(slot)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closed = False
        self._pause = FIRST_S
        self._sleeps = False
        """Does the thread wait for ever, and has to be woken?"""
        self._noted = 0.0
        self._said: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def began(self, slot: int, worker: str, pid: int, size: int | None, at: float) -> None:
        """A worker was started, with so much in its file, not before ``at``. Told with the next `settle`."""
        generation = self._slots[slot].generation if slot in self._slots else 0
        self._lives.append(_LifeNote(slot, worker, at, pid, size=size, generation=generation))

    def ended(self, slot: int, worker: str, exit_: str) -> None:
        """It has ended, in this way."""
        self._lives.append(_LifeNote(slot, worker, time.time(), exit=exit_))

    def settle(self) -> None:
        """Have all that was told noted."""
        if self._lives and not self._closed:
            # Together: where one life ends is known by where its replacement begins.
            self._settled.extend(self._lives)
            self._lives = []
            if self._sleeps:
                self._sleeps = False
                os.eventfd_write(self._wake, 1)

    def close(self, patience_s: float = 1.0) -> None:
        """Note what is left to be noted, and end; a disk that stalls is not waited for."""
        self.settle()
        self._closed = True
        os.eventfd_write(self._wake, 1)
        self._thread.join(patience_s)
        if not self._thread.is_alive():
            os.close(self._wake)

    # ---- the thread

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # only root may, and only on a busy machine does it matter
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        inotify = None
        try:
            inotify = Inotify()
        except OSError as error:
            self._say(f"output is looked at every {WITHOUT_INOTIFY_S:.0f} s only: inotify: {error.strerror}")
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        if inotify is not None:
            poll.register(inotify.fd, select.POLLIN)
        pause: float | None = 0.0
        while not self._closed:
            self._sleeps = pause is None
            poll.poll(None if pause is None and not self._settled else (pause or 0.0) * 1000)
            self._sleeps = False
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            if inotify is not None:
                inotify.drain()
            pause = self._turn(inotify)
        self._note_lives()
        if inotify is not None:
            inotify.close()

    def _turn(self, inotify: Inotify | None) -> float | None:
        """One look; how long to rest, None: until the next write."""
        try:
            wait = self._noted + LIVES_S - time.monotonic()
            if self._settled and wait <= 0:
                self._note_lives()
            pause = self._look()
            if pause is not None:
                return pause
            if self._settled:
                return max(0.0, wait)
            if inotify is None:
                return WITHOUT_INOTIFY_S
            inotify.arm(self._files.directory)
            return self._look()  # what was written before the kernel watched
        except OSError as error:
            self._say(f"cannot see to the output of workers: {error.strerror}")
            return WITHOUT_INOTIFY_S

    def _note_lives(self) -> None:
        self._noted = time.monotonic()
        noted: dict[int, list[Mark]] = {}
        lives = [self._settled.popleft() for _ in range(len(self._settled))]
        for number, life in enumerate(lives):
            file = self._file(life.slot)
            if life.exit is None:
                mark = Mark(self._begin_of(life, file), life.time, life.worker, life.pid)
            else:
                # Its replacement may have been started already, and may have written.
                later = (other for other in lives[number + 1 :] if other.slot == life.slot and other.exit is None)
                following = next(later, None)
                at = self._position(life.slot, file) if following is None else self._begin_of(following, file)
                mark = Mark(at, life.time, life.worker, exit=life.exit)
            noted.setdefault(life.slot, []).append(mark)
        for slot, marks in noted.items():
            self._append(slot, self._slots[slot], marks)

    def _begin_of(self, life: _LifeNote, file: _File) -> int:
        """Where the output of a life begins; if the file has been cut since, where it is now."""
        end = self._position(life.slot, file)
        is_late = life.size is None or life.generation != file.generation
        return end if is_late else min(end, file.base + (life.size or 0))

    def _position(self, slot: int, file: _File) -> int:
        with contextlib.suppress(OSError):
            return file.base + os.stat(self._files.path(slot), follow_symlinks=False).st_size
        return file.base + file.size

    def _look(self) -> float | None:
        began = time.thread_time()
        fastest = 0.0
        grew = False
        for slot, file in list(self._slots.items()):
            try:
                growth = self._see(slot, file)
            except FileNotFoundError:
                if file.file:
                    self._say(f"{self._files.path(slot)} was removed: what its worker writes from now on is lost")
                continue
            grew = grew or growth > 0
            fastest = max(fastest, growth / self._files.max_bytes)
        if not grew:
            self._pause = FIRST_S
            return None
        if fastest > QUICK:
            return HURRY_S
        cost = time.thread_time() - began
        self._pause = min(2 * self._pause, LOOK_S)
        return max(self._pause, SHARE * cost)

    def _see(self, slot: int, file: _File) -> int:
        """Note that the file has grown, and cut it back if it has to be; by how much it has grown."""
        status = os.stat(self._files.path(slot), follow_symlinks=False)
        if not self._files.is_ours(slot, status):
            if file.file:
                self._say(f"{self._files.path(slot)} was replaced by another file, which is not cut back")
            return 0
        if status.st_size < file.size or identity(status) != file.file:
            # A program has emptied it, as `> /dev/stderr` does, or a new one was made.
            file.base += file.size
            file.generation += 1
            self._tell_head(slot, file, status)
            file.size = 0
        growth, file.size = status.st_size - file.size, status.st_size
        at = file.base + file.size
        if growth:
            file.grown = time.time()
        # Once a second while it is written, and at last where it rests.
        is_due = file.grown - file.marked >= (LOOK_S if at - file.marked_at >= MARK_BYTES else MARK_S)
        if file.marked_at != at and (is_due or not growth):
            file.marked, file.marked_at = file.grown, at
            self._append(slot, file, [Mark(at, file.grown)])
        if file.size > self._files.max_bytes:
            self._cut(slot, file)
        return growth

    def _cut(self, slot: int, file: _File) -> None:
        self._note_lives()  # while it is known where they begin
        try:
            file.base = cut(self._files, slot, file.base)
        except OSError as error:
            self._say(f"cannot keep the older output of slot {slot}: {error.strerror}")
            file.base += file.size
        file.size = 0
        file.generation += 1

    def _file(self, slot: int) -> _File:
        """What is known of the slot's file; at first, what its index says, and when it was last written."""
        file = self._slots.get(slot)
        if file is not None:
            return file
        head = index.read(self._files.path(slot)).head
        file = self._slots[slot] = _File() if head is None else _File(head.base, 0, head.generation)
        with contextlib.suppress(OSError):
            status = os.stat(self._files.path(slot), follow_symlinks=False)
            if self._files.claim(slot, status):
                self._tell_head(slot, file, status)
                file.size, file.grown = status.st_size, status.st_mtime
        return file

    def _tell_head(self, slot: int, file: _File, status: os.stat_result) -> None:
        file.file = identity(status)
        self._append(slot, file, [Head(file.base, file.generation, file.file)])

    def _append(self, slot: int, file: _File, entries: Sequence[Head | Mark]) -> None:
        path = self._files.path(slot)
        try:
            if index.append(path, entries) > MOST_INDEX_BYTES:
                known = index.read(path)
                head = Head(file.base, file.generation, file.file)
                index.write(path, [known.head or head, *index.thinned(known.marks)])
        except OSError as error:
            self._say(f"cannot note the times of output: {error.strerror}")

    def _say(self, what: str) -> None:
        """Once each."""
        if what not in self._said:
            self._said.add(what)
            with contextlib.suppress(RuntimeError):  # the loop that would tell it has ended
                self._warn(what)
