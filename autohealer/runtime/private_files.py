"""Files and folders of our own, opened so that nobody who prepared the place can lead us elsewhere or hold us up.

Nothing is followed through a link, nothing is opened that is no regular file (a FIFO would be waited for), and a folder
that others may write to is refused.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from autohealer.errors import UsageError

_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_OTHERS_MAY_WRITE = 0o022
CHOOSE_ANOTHER = "choose another one with --state-dir"


def open_file(path: Path | str, flags: int, mode: int = 0o600) -> int:
    """Open a regular file. Raises OSError: for a link, a FIFO, a folder or a device as well, naming the path."""
    try:
        fd = os.open(path, flags | _SAFELY, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _not_regular(path) from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _not_regular(path)
    os.set_blocking(fd, True)
    return fd


def create_file(path: Path | str) -> int:
    """A new file for writing; what was there by this name (a link, say) is taken away, not written to."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600)


def read_file(path: Path | str, most: int = 1 << 30) -> bytes:
    """All of a regular file. Raises OSError."""
    with open(open_file(path, os.O_RDONLY), "rb") as file:
        return file.read(most)


def _not_regular(path: Path | str) -> OSError:
    return OSError(errno.EINVAL, "it is no regular file", str(path))


def make_folder(folder: Path, *, adopts: bool = False) -> str | None:
    """Make it, mode 0700, if it is missing; else see that it is ours.

    Raises OSError and UsageError. With ``adopts`` a folder that others may write to is taken all the same, as there are
    workers to be found by it; the text says so.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    return check_folder(folder, adopts=adopts)


def check_folder(folder: Path, *, adopts: bool = False) -> str | None:
    """See that nobody else could have prepared the folder for us, or can look into it. As `make_folder`."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    problem = None
    if status.st_uid != os.geteuid():
        problem = f"the state directory {folder} belongs to another user"
    elif stat.S_IMODE(status.st_mode) & _OTHERS_MAY_WRITE:
        problem = f"others may write to the state directory {folder}"
    if problem is not None and not adopts:
        raise UsageError(problem, f"{CHOOSE_ANOTHER}, or look who has put what there and make it yours alone")
    if problem is None and stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)
    return problem
