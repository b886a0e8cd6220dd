"""Where the notify socket of a pool lies: bound at the start, removed at the end.

Apart from `notify`, so that who only asks where a pool keeps its files imports nothing of events.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import socket
import stat
from pathlib import Path

_NAME, _FOLDER = "notify.sock", "autohealer-notify-"
_LONGEST_PATH = 108


def place(folder: Path, *, others: bool) -> str:
    """Where the socket of the pool in this folder is: there, as a rule, and at the same path in every life of an agent.

    Elsewhere if that path is longer than a socket's may be, or (``others``) workers of another user have to reach it:
    for root in /run, where nobody else may prepare anything, else in the user's own runtime directory, or in /tmp.
    Raises OSError where it cannot be had.
    """
    path = folder / _NAME
    if len(os.fsencode(path)) < _LONGEST_PATH and not others:
        return str(path)
    user = os.geteuid()
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if user == 0:
        base = Path("/run")
    elif runtime.is_absolute() and runtime.is_dir():
        base = runtime
    else:
        base = Path(f"/tmp/autohealer-{user}")  # noqa: S108 - its owner is checked
    folder_of_ours = base / f"{_FOLDER}{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    mode = 0o711 if others else 0o700
    for made in (base, folder_of_ours):
        with contextlib.suppress(FileExistsError):
            made.mkdir(mode)
    status = folder_of_ours.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user or base.lstat().st_uid not in (0, user):
        raise PermissionError(errno.EPERM, "it belongs to another user", str(folder_of_ours))
    folder_of_ours.chmod(mode)
    return str(folder_of_ours / _NAME)


def remove(path: str) -> None:
    """Nobody needs the socket any more, nor the folder that was made for it alone."""
    with contextlib.suppress(OSError):
        os.unlink(path)
        if _has_own_folder(path):
            os.rmdir(os.path.dirname(path))


def bind(path: str) -> socket.socket:
    """The socket at this path, replacing what a former agent left. Raises OSError."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        receiver.bind(path)
        # In a folder of its own: that lets in whoever may speak.
        os.chmod(path, 0o666 if _has_own_folder(path) else 0o600)
    except OSError:
        receiver.close()
        raise
    return receiver


def _has_own_folder(path: str) -> bool:
    return os.path.basename(os.path.dirname(path)).startswith(_FOLDER)
