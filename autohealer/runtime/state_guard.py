"""Sees to it that the pool's folder is there while its agent runs: programs that clean up remove it.

Without it a second agent would find no lock and double the pool, and no command would find the first. The kernel tells
when the lock file loses its name; a look now and then finds what it does not tell, such as a folder that was renamed.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from contextlib import suppress

from autohealer.errors import AutohealerError
from autohealer.runtime.state_dir import StateDir

RETRY_S = 1.0
# Who removes a folder bit by bit is let to come to an end.
SETTLE_S = 0.2
_ATTRIBUTES, _DELETED, _MOVED = 0x4, 0x400, 0x800


class StateGuard:
    """Makes the folder again when it is gone; ``restored`` is to fill it. ``warn`` gets a line about either."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        state: StateDir,
        restored: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        self._loop, self._state, self._restored, self._warn = loop, state, restored, warn
        self._fd = -1
        self._retry: asyncio.TimerHandle | None = None
        self._problem = ""

    def start(self) -> None:
        """Be told from now on. Where the kernel grants no watch, `look` is what is left."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            return
        for path in (self._state.lock_path, self._state.path):
            libc.inotify_add_watch(self._fd, os.fsencode(path), _ATTRIBUTES | _DELETED | _MOVED)
        self._loop.add_reader(self._fd, self._told)

    def look(self) -> None:
        """See whether the folder is in its place, and make it again if it is not."""
        if self._retry is not None or self._state.is_in_place():
            return
        try:
            self._state.create(adopts=True)
            self._state.lock_again()
        except AutohealerError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                self._warn(f"the state directory was removed, and cannot be made again: {error}")
            self._retry = self._loop.call_later(RETRY_S, self._again)
            return
        self._problem = ""
        self.close()
        self.start()
        self._warn(f"the state directory {self._state.path} was removed: it has been made again")
        self._restored()

    def close(self) -> None:
        """Look no more."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _told(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._fd, 1 << 12):
                pass
        if self._retry is None and not self._state.is_in_place():
            self._retry = self._loop.call_later(SETTLE_S, self._again)

    def _again(self) -> None:
        self._retry = None
        self.look()
