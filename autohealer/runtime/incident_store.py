"""The incidents of a pool on this host: a small database, written by a thread of its own; ``incident_reader`` reads it.

An SQLite commit can take longer than a heal, and a disk can stall for half a minute: so nothing of it is done in the
loop's thread, which only leaves what is to be kept in a bounded queue. What cannot be written (a full disk) is tried
again. It answers also when no agent runs any more.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import to_builtins

from autohealer.core.events import Evidence
from autohealer.core.incident import IncidentEntry
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.private_files import open_file

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from autohealer.core.incident import Incident

INCIDENTS = "incidents"
"""The question to an agent for what nobody can read from the disk; ``incident_reader`` asks it."""
MOST_KEPT = 1000
MOST_WAITING = 1000
MOST_BYTES = 20 * 2**20
RETRY_S = 5.0
TOGETHER_S = 0.25
_PAGE = 4096
CACHE_KIB = 128
_PRUNE_EVERY = 50
_MOST_TEXT = 8 * 1024
_LONGEST_LINE = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY, opened TEXT NOT NULL, worker TEXT NOT NULL, slot INTEGER, closed INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_time ON incidents (opened);
"""


def entry_of(incident: Incident, opened_unix_s: float, output: Iterable[str] = ()) -> IncidentEntry:
    """An incident as it is kept. ``output``: the last lines, where its evidence has none."""
    evidence = incident.evidence or Evidence()
    return IncidentEntry(
        id=incident.id,
        kind=str(incident.kind),
        worker=incident.worker,
        pid=incident.pid,
        slot=incident.slot,
        revision=incident.revision,
        cause=incident.cause,
        detail=incident.detail[:_MOST_TEXT],
        exit=incident.exit,
        opened=timestamp(opened_unix_s),
        uptime=None if incident.uptime_s is None else round(incident.uptime_s, 3),
        noticed_by=incident.noticed_by or None,
        noticed_ms=incident.noticed_ms,
        decided_ms=incident.decided_ms,
        started_ms=incident.started_ms,
        ready_ms=incident.ready_ms,
        backoff_ms=incident.backoff_ms,
        evidence=Evidence(
            state=evidence.state,
            waits_in=evidence.waits_in,
            stack=None if evidence.stack is None else evidence.stack[:_MOST_TEXT],
            rss=evidence.rss,
            output=tuple([line[:_LONGEST_LINE] for line in evidence.output or output]),
        ),
        action=incident.action or None,
        by=incident.by,
        replacement=incident.replacement,
        outcome=str(incident.outcome),
    )


class IncidentStore:
    """Keeps the newest thousand incidents. Nothing is opened, nor imported, before there is one to keep."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """``warn`` gets a line for people, from another thread."""
        self._path, self._warn = path, warn
        self._waiting: OrderedDict[str, tuple[IncidentEntry, bool]] = OrderedDict()
        self._writing: OrderedDict[str, tuple[IncidentEntry, bool]] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._is_idle = False
        """Does the thread wait for something to keep? While it waits for more, or to try again, it is left to sleep."""
        self._has_complained = False
        self.lost = 0
        """Incidents that nobody will read of: there was no room for them, not even to wait."""

    def begin(self) -> None:
        """Say of what a former life of the agent left open that its end is unknown."""
        if self._path.exists():
            self._start()

    def put(self, incident: IncidentEntry, *, is_closed: bool) -> None:
        """Keep it, in the place of what was kept under its id. Never waits."""
        with self._changed:
            self._waiting.pop(incident.id, None)
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popitem(last=False)
                self.lost += 1
            self._waiting[incident.id] = incident, is_closed
            if self._is_idle:
                self._changed.notify()
        self._start()

    @property
    def unwritten(self) -> list[IncidentEntry]:
        """What cannot be read from the disk yet."""
        with self._changed:
            return [incident for incident, _ in {**self._writing, **self._waiting}.values()]

    def close(self, patience_s: float = 1.0) -> None:
        """Write what waits, as far as that can be done in this time."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._waiting:
            self._start()
        if self._thread is not None:
            self._thread.join(patience_s)

    # ---- the thread

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="incidents", daemon=True)
            with suppress(RuntimeError):  # the system has no thread to give: the next incident tries again, or the end
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        database = _Database(self._path)
        is_new = True
        while True:
            with self._changed:
                while not (self._waiting or self._is_closing or is_new):
                    self._is_idle = True
                    self._changed.wait()
                self._is_idle = False
                batch = self._writing = self._waiting
                self._waiting = OrderedDict()
            try:
                database.write(batch.values(), is_first=is_new)
                is_new = self._has_complained = False
                with self._changed:
                    self._writing = OrderedDict()
                    # What comes within a moment is written together: a crash loop would be a commit for each death.
                    self._changed.wait_for(lambda: self._is_closing, TOGETHER_S)
            except Exception as error:  # noqa: BLE001 - sqlite3's and the disk's; whatever it is, healing goes on
                self._complain(error)
                database.close()
                with self._changed:
                    self._waiting, self._writing = OrderedDict({**batch, **self._waiting}), OrderedDict()
                    if not self._is_closing:
                        self._changed.wait(RETRY_S)
            if self._is_closing and (not self._waiting or self._has_complained):
                database.close()
                return

    def _complain(self, error: Exception) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._warn(f"cannot keep incidents in {self._path}: {error}; it is tried again")


class _Database:
    """The file, as its one writer has it; opened when it is needed, and again if it was deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._written = 0

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def write(self, batch: Iterable[tuple[IncidentEntry, bool]], *, is_first: bool) -> None:
        """All of it, or nothing. Raises what sqlite3 and the disk raise."""
        connection = self._open()
        with connection:
            if is_first:
                _close_former(connection)
            for incident, is_closed in batch:
                connection.execute(
                    "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        incident.id,
                        incident.opened,
                        incident.worker,
                        incident.slot,
                        is_closed,
                        json.dumps(to_builtins(incident)),
                    ),
                )
                self._written += 1
            if self._written >= _PRUNE_EVERY or is_first:
                self._written = 0
                _prune(connection)

    def _open(self) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415 - not before there is something to keep

        if self._connection is not None and _inode(self._path) != self._inode:
            self.close()
        if self._connection is None:
            # Made and looked at here: sqlite3 would follow a link, and make it readable for others.
            os.close(open_file(self._path, os.O_RDWR | os.O_CREAT))
            self._connection = sqlite3.connect(self._path, timeout=5.0, check_same_thread=False)
            try:
                self._prepare(self._connection)
            except sqlite3.DatabaseError as error:
                self.close()
                if isinstance(error, sqlite3.OperationalError):
                    raise  # no room, or locked
                self._path.replace(self._path.with_name(f"{self._path.name}.broken"))
                raise
            self._inode = _inode(self._path)
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {MOST_BYTES // _PAGE}")
        # By itself SQLite would keep up to 2 MiB of the file in memory. Each write touches a few pages of it.
        connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
        # As with the ledger: it outlives the process, whatever that dies of, and is not synced against power cuts.
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA)


def _close_former(connection: sqlite3.Connection) -> None:
    """What a former life of this agent has left open."""
    for identity, body in connection.execute("SELECT id, body FROM incidents WHERE NOT closed").fetchall():
        incident = {**json.loads(body), "outcome": "unknown"}
        connection.execute("UPDATE incidents SET closed = 1, body = ? WHERE id = ?", (json.dumps(incident), identity))


def _prune(connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM incidents WHERE id NOT IN (SELECT id FROM incidents ORDER BY opened DESC LIMIT ?)", (MOST_KEPT,)
    )


def _inode(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_ino
    return 0
