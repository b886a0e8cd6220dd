"""Be told by the kernel of the next write to a file of a directory; Python's standard library does not have that."""

from __future__ import annotations

import ctypes
import os

_MODIFY, _ONESHOT = 0x2, 0x80000000
_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC


class Inotify:
    """``fd`` becomes readable at the first write after each `arm`; more of them cost nobody anything.

    Raises OSError where the kernel grants none (each user may have 128 by default).
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self._libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self.fd < 0:
            raise _error()

    def arm(self, directory: str) -> None:
        """Wait for one more. Raises OSError, as where the directory is not there."""
        if self._libc.inotify_add_watch(self.fd, os.fsencode(directory), _MODIFY | _ONESHOT) < 0:
            raise _error()

    def drain(self) -> None:
        """Take in what it has said."""
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """No more."""
        os.close(self.fd)


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
