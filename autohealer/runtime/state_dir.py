"""Where an agent keeps what must outlive it: one folder for each pool, readable by its owner alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from autohealer.config.special_kinds import POOL_NAME, POOL_NAME_HINT
from autohealer.errors import AlreadyRunningError, AutohealerError, UsageError
from autohealer.processes.notify_path import place
from autohealer.runtime.private_files import CHOOSE_ANOTHER, make_folder, open_file, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOCK_ATTEMPTS = 5
_LOCK_PAUSE_S = 0.01
_CONTROL = "control.sock"
_NEEDS_FLOCK = f"it has to be on a file system with flock: {CHOOSE_ANOTHER}"


def base_directory(option: str | Path | None, environ: Mapping[str, str]) -> Path:
    """The directory that holds all pools: ``--state-dir``, AUTOHEALER_STATE_DIR, or the user's own."""
    if option is not None:
        return Path(option).absolute()
    if named := environ.get("AUTOHEALER_STATE_DIR"):
        return Path(named).absolute()
    home = environ.get("XDG_STATE_HOME", "")
    if not home.startswith("/"):  # the XDG specification: a relative path is to be ignored
        try:
            home = str(Path.home() / ".local/state")
        except RuntimeError:
            raise UsageError("there is no home directory to keep state in", CHOOSE_ANOTHER) from None
    return Path(home) / "autohealer"


def check_pool_name(pool: str) -> None:
    """A pool's name is a folder and a znode, and is printed: letters, digits, and ``._-`` within."""
    if not POOL_NAME.fullmatch(pool):
        raise UsageError(f"{pool!r} cannot be the name of a pool", POOL_NAME_HINT)


class StateDir:
    """The folder of one pool. Making the object touches nothing on disk."""

    def __init__(self, base: str | Path | None, pool: str, environ: Mapping[str, str] = os.environ) -> None:
        """Raises `UsageError` for a name that no pool can have."""
        check_pool_name(pool)
        self.pool = pool
        self.base = base_directory(base, environ)
        self.path = self.base / pool
        self.lock_path = self.path / "lock"
        self.ledger_path = self.path / "ledger"
        self.events_path = self.path / "events.jsonl"
        self.incidents_path = self.path / "incidents.db"
        self.agent_log_path = self.path / "agent.log"
        self.output_dir = self.path / "output"
        self.journal_dir = self.path / "journal"
        self.socket_path = self.path / _CONTROL
        self._lock_fd: int | None = None

    def create(self, *, adopts: bool = False) -> list[str]:
        """Make what is missing, mode 0700. Raises `UsageError` where it cannot be used.

        Where workers are to be adopted a folder that others may write to is taken all the same; what is wrong with it
        is returned.
        """
        problems: list[str | None] = []
        try:
            self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() == 0 and self.base.stat().st_uid != 0 and not adopts:
                raise UsageError(f"the state directory {self.base} belongs to another user", CHOOSE_ANOTHER)
            folders = (self.path, self.output_dir, self.journal_dir)
            problems.extend(make_folder(folder, adopts=adopts) for folder in folders)
        except OSError as error:
            raise self._unusable(error) from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise UsageError(f"the state directory {self.path} is not writable", CHOOSE_ANOTHER)
        return [problem for problem in problems if problem is not None]

    def lock(self) -> None:
        """Claim the pool for this process, until `unlock` or its end, however it ends.

        Raises `AlreadyRunningError` where another agent has it. A lock by flock belongs to the open file, which
        workers do not inherit: it never outlives the agent with them.
        """
        try:
            fd = open_file(self.lock_path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise self._unusable(error) from error
        if not _claim(fd):
            os.close(fd)
            raise AlreadyRunningError(
                f"pool {self.pool} is already run from {self.base} by {self._holder()}",
                "see it with `autohealer status`, or choose another --pool or --state-dir",
            )
        with contextlib.suppress(OSError):  # the pid is for messages: a full disk may keep it from us
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd

    def is_in_place(self) -> bool:
        """Whether the lock that this process holds is the one that others find."""
        if self._lock_fd is None:
            return True
        held = os.fstat(self._lock_fd)
        try:
            found = os.lstat(self.lock_path)
        except OSError:
            return False
        return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)

    def lock_again(self) -> None:
        """Lock the folder that has taken the place of the one that was locked. Raises as `lock` does."""
        former, self._lock_fd = self._lock_fd, None
        try:
            self.lock()
        except BaseException:
            self._lock_fd = former
            raise
        if former is not None:
            os.close(former)

    def unlock(self) -> None:
        """Let another agent have the pool."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def is_locked(self) -> bool:
        """Does an agent run this pool now, this process included?"""
        if self._lock_fd is not None:
            return True
        try:
            fd = open_file(self.lock_path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError as error:
            raise AutohealerError(f"the state directory cannot be locked: {error.strerror}", _NEEDS_FLOCK) from error
        finally:
            os.close(fd)
        return False

    def holder_pid(self) -> int | None:
        """The pid that the holder of the lock wrote into it: for display, never for a signal."""
        try:
            return int(read_file(self.lock_path, 20))
        except (OSError, ValueError):
            return None

    def notify_path(self, *, others: bool = False) -> str:
        """Where workers send what they say, the same in each life of the agent; ``others``: workers of another user.

        Raises `UsageError` where there can be no such path.
        """
        try:
            return place(self.path, others=others)
        except OSError as error:
            raise self._unusable(error) from error

    def listen_control(self, backlog: int = 16) -> socket.socket:
        """A listening Unix socket in the pool's folder, for the holder of the lock.

        A socket's path may have 108 bytes and ours may be longer, so it is bound by a short name of the same
        folder. What an agent that was killed has left there is replaced.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with self._short_path() as path:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                listener.bind(path)
                os.chmod(path, 0o600)
            listener.listen(backlog)
        except OSError as error:
            listener.close()
            raise self._unusable(error) from error
        return listener

    def connect_control(self, timeout_s: float) -> socket.socket:
        """Connect to the agent that runs the pool. Raises OSError where none answers."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            with self._short_path() as path:
                connection.connect(path)
        except OSError:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _short_path(self) -> Iterator[str]:
        """The control socket under ``/proc/self/fd``, where a descriptor stands for the folder."""
        folder = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{_CONTROL}"
        finally:
            os.close(folder)

    def _holder(self) -> str:
        pid = self.holder_pid()
        return "another agent" if pid is None else f"pid {pid}"

    def _unusable(self, error: OSError) -> UsageError:
        where = error.filename or self.path
        return UsageError(f"cannot use the state directory {self.base}: {where}: {error.strerror}", CHOOSE_ANOTHER)


class ServerDir:
    """The folder of an embedded server that several pools of one agent process share."""

    def __init__(self, base: str | Path | None, environ: Mapping[str, str] = os.environ) -> None:
        self.path = base_directory(base, environ) / ".server"
        self.journal_dir = self.path / "journal"
        self._lock_fd: int | None = None

    def claim(self) -> None:
        """Make the folder and lock it. Raises `UsageError`, or `AlreadyRunningError` where another process has it."""
        try:
            for folder in (self.path, self.journal_dir):
                folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                make_folder(folder)
            fd = open_file(self.path / "lock", os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise UsageError(f"cannot use {self.path}: {error.strerror}", CHOOSE_ANOTHER) from error
        if not _claim(fd):
            os.close(fd)
            raise AlreadyRunningError(
                f"another agent of several pools is run from {self.path.parent}", "choose another --state-dir"
            )
        self._lock_fd = fd

    def release(self) -> None:
        """Let another process have it."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None


def pools_running(base: str | Path | None, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The pools that an agent runs now from this directory, by name."""
    directory = base_directory(base, environ)
    try:
        names = sorted(path.name for path in directory.iterdir() if POOL_NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read the state directory {directory}: {error.strerror}", CHOOSE_ANOTHER) from error
    return [name for name in names if _is_running(directory, name)]


def _is_running(base: Path, pool: str) -> bool:
    try:
        return StateDir(base, pool).is_locked()
    except UsageError:
        return False  # not a pool's folder, or another user's


def _claim(fd: int) -> bool:
    """Take the lock; a reader that asks whether it is held holds it itself for some microseconds."""
    for attempt in range(_LOCK_ATTEMPTS):
        if attempt:
            time.sleep(_LOCK_PAUSE_S)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError as error:
            os.close(fd)
            raise AutohealerError(f"the state directory cannot be locked: {error.strerror}", _NEEDS_FLOCK) from error
        return True
    return False
