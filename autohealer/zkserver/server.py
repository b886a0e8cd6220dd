"""A ZooKeeper server to be started in a thread of any process, or run by one of its own."""

from __future__ import annotations

import logging
import os
import resource
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, Self

from autohealer.zkserver.engine import Engine
from autohealer.zkserver.entries import State, write_everything
from autohealer.zkserver.journal import Journal
from autohealer.zkserver.jute import MalformedError
from autohealer.zkserver.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

logger = logging.getLogger("autohealer.zkserver")

_BACKLOG: Final = 512
_MAX_EPOCH: Final = 0x7FFFFFFF
_epochs = {"last": 0}  # of this process


class ZooKeeperServer:
    """One server on one port. It can be started again after it was stopped, on the same port.

    Without ``data_dir`` a stopped server forgets everything. With it, tree and sessions survive, even SIGKILL:
    they are there again when the next server starts on the same directory.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, data_dir: Path | None = None, fsync: bool = False
    ) -> None:
        self.host = host
        self.port = port
        self._data_dir = data_dir
        self._fsync = fsync
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
                state = journal.load()
            now = time.monotonic()
            epoch, low = _next_epoch(state.epoch)
            engine = Engine(
                zxid=epoch << 32 | low,
                first_session_id=_first_session_id(),
                now=now,
                wall_ms=_wall_ms,
                random_bytes=os.urandom,
                journalled=journal is not None,
                port=port,
                data_dir=str(self._data_dir or ""),
            )
            try:
                engine.restore(state, now)
            except MalformedError as error:
                raise (journal.damaged(error) if journal is not None else error) from error
            if journal is not None:
                journal.open(write_everything(engine.tree, engine.sessions.by_id.values(), epoch), epoch, now)
            loop = Loop(engine, listener, journal, epoch, _max_connections())
        except BaseException:
            listener.close()
            if journal is not None:
                journal.close()
            raise
        self.port = port
        return loop


def _next_epoch(last: int) -> tuple[int, int]:
    """The high word of this life's zxids, and where its low word starts.

    Clients that have seen a later zxid than ours would be turned away for ever. So a life begins above all former
    ones: above the last that is known, or, where none is, at the wall clock, whose fraction keeps lives apart that
    begin within a second.
    """
    if last:
        _epochs["last"] = max(_epochs["last"], last + 1)
        return last + 1, 0
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    clock = seconds & _MAX_EPOCH
    epoch = max(clock, _epochs["last"] + 1)
    _epochs["last"] = epoch
    return epoch, nanoseconds if epoch == clock else 0


def _first_session_id() -> int:
    """From the clock, as ZooKeeper's: ids of different lives must not meet. The top byte would be a server's number."""
    return (_wall_ms() << 16) & 0x00FFFFFFFFFFFFFF


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _max_connections() -> int:
    """Leave a quarter of the file descriptors to the process that we are part of."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft - soft // 4 if soft != resource.RLIM_INFINITY else 1 << 20


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
