"""A ZooKeeper server to be started in a thread of any process, or run by one of its own."""

from __future__ import annotations

import gc
import logging
import os
import resource
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from autohealer.zkserver.admission import Admission
from autohealer.zkserver.engine import Engine, ServerPlace
from autohealer.zkserver.entries import State
from autohealer.zkserver.journal import Journal
from autohealer.zkserver.jute import MalformedError
from autohealer.zkserver.loop import Loop
from autohealer.zkserver.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

logger = logging.getLogger("autohealer.zkserver")

_BACKLOG: Final = 512
_MAX_FILES: Final = 1 << 20  # more than any machine's clients need, where the hard limit is "unlimited"

# The high word of the first zxid of a server that knows of no former life: periods of ten minutes since this day.
_FIRST_DAY_NS: Final = 1_767_225_600 * 10**9  # 2026-01-01
_PERIOD_NS: Final = 600 * 10**9
_latest = {"zxid": 0}  # at which a life began in this process


class ZooKeeperServer:
    """One server on one port. It can be started again after it was stopped, on the same port.

    Without ``data_dir`` a stopped server forgets everything. With it, tree and sessions survive, even SIGKILL:
    they are there again when the next server starts on the same directory.

    Whoever reaches the port is served, unless ``users`` is given: then only root, this process's user and the users
    that it names. It is called in the server's thread when another user connects, at most once a second.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        data_dir: Path | None = None,
        fsync: bool = False,
        users: Callable[[], Iterable[int]] | None = None,
    ) -> None:
        if users is not None and not host.startswith("127."):
            raise ValueError("whose a connection is can be known on IPv4 loopback only")
        self.host = host
        self.port = port
        self._data_dir = data_dir
        self._fsync = fsync
        self._users = users
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None

    @property
    def hosts(self) -> str:
        """The connection string for clients."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def start(self) -> None:
        """Listen, and serve from a daemon thread. OSError: the port is taken. JournalError: the journal is damaged."""
        if self._loop is not None:
            return
        self._loop = self._open()
        self._thread = threading.Thread(target=self._loop.run, name=f"zookeeper-{self.port}", daemon=True)
        self._thread.start()

    def serve_forever(self, listening: Callable[[], None] = lambda: None) -> None:
        """Serve from this thread, until `stop` is called from a signal handler or another thread.

        ``listening`` is called once clients can connect, and the port is known.
        """
        loop = self._loop = self._open()
        listening()
        loop.run()
        self._loop = None

    def stop(self) -> None:
        """End all connections and write what is to be written. Sessions live on in the journal."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _open(self) -> Loop:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, self.port), family=family, backlog=_BACKLOG)
        journal = None
        try:
            port: int = listener.getsockname()[1]
            if not _is_loopback(self.host):
                logger.warning("listening beyond loopback, on %s:%d: whoever reaches it can use it", self.host, port)
            state = State()
            if self._data_dir is not None:
                journal = Journal(self._data_dir, fsync=self._fsync)
                with _no_collection():
                    state = journal.load()
            now = time.monotonic()
            engine = Engine(
                zxid=_first_zxid(state.epoch),
                sessions=Sessions(_first_session_id(), os.urandom),
                now=now,
                wall_ms=_wall_ms,
                journalled=journal is not None,
                place=ServerPlace(port, str(self._data_dir or ""), lambda: journal.size if journal is not None else 0),
            )
            try:
                engine.restore(state, now)
            except MalformedError as error:
                raise (journal.damaged(error) if journal is not None else error) from error
            if journal is not None:
                journal.open(engine, engine.epoch, now)
            admission = Admission(self._users) if self._users is not None else None
            loop = Loop(engine, listener, journal, max_connections=_max_connections(), admission=admission)
        except BaseException:
            listener.close()
            if journal is not None:
                journal.close()
            raise
        self.port = port
        return loop


def raise_file_limit() -> None:
    """Let this process open as many files as it may: the usual limit is 1,024, and each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _first_zxid(last_epoch: int) -> int:
    """Where a life's zxids begin: above those of all former lives.

    Clients that have seen a later zxid than ours would be turned away for ever, without a word. A life that knows the
    former ones from the journal begins at the next high word. One that knows of none, since there are none or their
    data was lost, takes the time: ten minutes for the high word, and what is left of them spread over the low word,
    seven million a second, which is more than any server can use up. So it is above all former lives, unless the clock
    was set back, or the lives with a journal came more often than every ten minutes all the time. (A high word for each
    second would run out in 2038, and nobody could read such numbers; these keep below 2**53 until 2065, so that
    JavaScript can read them as well.)
    """
    if last_epoch:
        zxid = last_epoch + 1 << 32
    else:
        periods, rest = divmod(max(time.time_ns() - _FIRST_DAY_NS, _PERIOD_NS), _PERIOD_NS)
        zxid = max(periods << 32 | (rest << 32) // _PERIOD_NS, _latest["zxid"] + (1 << 32))
    _latest["zxid"] = max(_latest["zxid"], zxid)
    return zxid


def _first_session_id() -> int:
    """From the clock, as ZooKeeper's: ids of different lives must not meet. The top byte would be a server's number."""
    return (_wall_ms() << 16) & 0x00FFFFFFFFFFFFFF


@contextmanager
def _no_collection() -> Iterator[None]:
    """All that is read stays: the collector would look at it again and again while it grows, and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _max_connections() -> int:
    """Leave a quarter of the file descriptors to the process that we are part of."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft - soft // 4 if soft != resource.RLIM_INFINITY else 1 << 20


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
