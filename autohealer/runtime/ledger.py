"""What an agent must know to go on where the last one here was killed: who it is, and which workers it has.

A file of JSON lines that is only appended to, one write for a batch, and written anew when it has grown. It outlives
the process, not a crash of the machine (after which no worker is left to be adopted), so it is not synced.
A line that makes no sense is passed over: the tail may be torn, and what a full disk swallowed is found in /proc.

    {"agent": "web1-k3x9qa", "boot": "8f0e…", "target": 10, "zookeeper": "127.0.0.1:2181", …}   the facts, whole
    {"worker": "web1-k3x9qa-0-h2d4c6", "slot": 0, "pid": 4711, "start_time": 8123456, "started": "2026-01-…"}
    {"gone": "web1-k3x9qa-0-h2d4c6"}
    {"finished": 3, "failed": false, "revision": 1}
    {"revisions": {"asked": "5f2c…", "highest": 3, "present": {"number": 3, "spec": {…}}, "former": {…}, …}}
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import socket
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from autohealer.runtime.revisions import RevisionRecord

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_GROWTH = 2000
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0 and o, 1, i and l: people read these aloud
_RANDOM_LENGTH = 6
_HOST_LENGTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What concerns the agent and the pool as a whole; None where it is not known (yet)."""

    agent: str
    boot: str
    """The boot id under which the pids below have a meaning."""
    place: str | None = None
    """The directory that the file is in, by device and inode: another one is a copy."""
    target: int | None = None
    """N of the last ``run``."""
    zookeeper: str | None = None
    server_port: int | None = None
    """Where the embedded server listened."""
    session_id: int | None = None
    session_password: str | None = field(default=None, repr=False)
    """In hexadecimal. A secret: who has it can take the session over. Gone in a copy, or after the machine's start:
    two that live in one session do not even notice each other, as long as each speaks to a server of its own."""
    registration: str | None = None
    """How the pool's workers were seen to register."""
    stopped: str | None = None
    """The last operation by which this pool was stopped: it must not stop the next one."""


@dataclass(frozen=True, slots=True)
class WorkerEntry:
    """A worker that was started, and with pid and start time its identity under one boot id."""

    worker: str
    slot: int | None
    """None for a life beside the slots."""
    pid: int
    start_time: int
    started: str
    """RFC 3339."""
    number: int = 0
    """What ``{slot}`` was for it; its output file has this number."""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class WorkerGone:
    """A worker that is no more."""

    worker: str


@dataclass(frozen=True, slots=True)
class SlotFinished:
    """A slot whose worker has ended for good, in work that is done or (``failed``) not."""

    finished: int
    failed: bool
    revision: int


Entry = Facts | WorkerEntry | WorkerGone | SlotFinished | RevisionRecord

_WORKER_TYPES: dict[str, Any] = {
    "worker": str,
    "slot": (int, type(None)),
    "pid": int,
    "start_time": int,
    "started": str,
    "number": int,
    "revision": int,
}
_FINISHED_TYPES: dict[str, Any] = {"finished": int, "failed": bool, "revision": int}
_FACT_TYPES = {
    "agent": str,
    "boot": str,
    "place": str,
    "target": int,
    "zookeeper": str,
    "server_port": int,
    "session_id": int,
    "session_password": str,
    "registration": str,
    "stopped": str,
}


class Ledger:
    """The content of the file, and the way to add to it. The holder of the pool's lock writes, others `read`."""

    def __init__(
        self, path: Path, facts: Facts, workers: dict[str, WorkerEntry], revisions: RevisionRecord | None = None
    ) -> None:
        self.path = path
        self.facts = facts
        self.workers = workers
        self.finished: dict[int, SlotFinished] = {}
        self.revisions = revisions
        """What workers here are started from; None where the ledger was begun, and none has been written yet."""
        self._fd: int | None = None
        self._appended = 0
        self._failing = False

    @classmethod
    def read(cls, path: Path) -> Ledger | None:
        """What the file says, without touching it; None if there is no ledger.

        Raises OSError if it is there and cannot be read.
        """
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        entries = [entry for line in text.splitlines() if (entry := _entry(line)) is not None]
        facts = next((entry for entry in entries if isinstance(entry, Facts)), None)
        if facts is None:
            return None
        ledger = cls(path, facts, {})
        for entry in entries:
            ledger._take(entry)
        return ledger

    @classmethod
    def load(cls, path: Path, boot: str) -> tuple[Ledger, OSError | None]:
        """Open the ledger to write to it, or begin one with a new agent id.

        Workers from before the machine's last start are left out. The file is written anew, which ends a torn
        tail; the error is why it could not be, and then `record` tries again. Raises OSError if the file is
        there and cannot be read: it must not be replaced by an empty one.
        """
        ledger = cls.read(path)
        folder = path.parent.stat()
        place = f"{folder.st_dev}:{folder.st_ino}"
        if ledger is None:
            ledger = cls(path, Facts(agent=new_agent_id(socket.gethostname()), boot=boot, place=place), {})
        elif (ledger.facts.boot, ledger.facts.place) != (boot, place):
            if ledger.facts.boot != boot:
                ledger.workers.clear()
            ledger.facts = replace(ledger.facts, boot=boot, place=place, session_id=None, session_password=None)
        return ledger, ledger._rewrite()

    def record(self, entries: Iterable[Entry]) -> OSError | None:
        """Take in the entries, and write them in one write.

        A disk that is full or read-only loses nothing here: what is known stays in memory, and each later call
        (one without entries, too) tries to write the whole. Returns the error when that state begins.
        """
        lines = []
        for entry in entries:
            self._take(entry)
            lines.append(_line(entry))
        if self._failing or self._fd is None or self._appended + len(lines) > _GROWTH + 4 * len(self.workers):
            return self._rewrite()
        if not lines:
            return None
        try:
            _write(self._fd, b"".join(lines))
        except OSError as error:
            self._failing = True  # and the tail may be torn
            return error
        self._appended += len(lines)
        return None

    def end(self) -> OSError | None:
        """The pool is over, as asked: nobody to adopt, no session to take up, no number that a next run repeats.

        Nor does anybody know the embedded server by its port any more: the next one takes the usual one again.
        """
        over = replace(self.facts, target=None, server_port=None, session_id=None, session_password=None)
        self.facts = over
        self.workers.clear()
        self.finished.clear()
        return self._rewrite()

    @property
    def is_failing(self) -> bool:
        """Does the file lack something that was recorded?"""
        return self._failing

    def close(self) -> None:
        """Close the file; what was recorded is in it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _take(self, entry: Entry) -> None:
        match entry:
            case Facts():
                self.facts = entry
            case WorkerEntry():
                self.workers[entry.worker] = entry
            case WorkerGone():
                self.workers.pop(entry.worker, None)
            case SlotFinished():
                self.finished[entry.finished] = entry
            case RevisionRecord():
                self.revisions = entry

    def _rewrite(self) -> OSError | None:
        """Write all that is known to a new file and put it in the place of the old one."""
        new = f"{self.path}.new"
        fd = None
        try:
            fd = os.open(new, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            entries: list[Entry] = [self.facts, *self.workers.values(), *self.finished.values()]
            if self.revisions is not None:
                entries.append(self.revisions)
            _write(fd, b"".join(map(_line, entries)))
            os.replace(new, self.path)  # noqa: PTH105
        except OSError as error:
            if fd is not None:
                os.close(fd)
                with contextlib.suppress(OSError):
                    os.unlink(new)  # noqa: PTH108
            is_news = not self._failing
            self._failing = True
            return error if is_news else None
        self.close()
        self._fd = fd
        self._appended = 0
        self._failing = False
        return None


def new_agent_id(host: str) -> str:
    """A name that no other agent has and people recognise: the host's, shortened, and a random part."""
    label = re.sub(r"[^A-Za-z0-9-]+", "-", host.partition(".")[0])[:_HOST_LENGTH].strip("-").lower()
    unique = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{label or 'host'}-{unique}"


def _line(entry: Entry) -> bytes:
    if isinstance(entry, RevisionRecord):
        return msgspec.json.encode({"revisions": entry}) + b"\n"
    content = {"gone": entry.worker} if isinstance(entry, WorkerGone) else asdict(entry)
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _write(fd: int, data: bytes) -> None:
    """One write; a part of it is a failure, as the next byte would not fit either."""
    if os.write(fd, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _kind(content: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    if "finished" in content:
        return SlotFinished, _FINISHED_TYPES
    return (WorkerEntry, _WORKER_TYPES) if "worker" in content else (Facts, _FACT_TYPES)


def _entry(line: bytes) -> Entry | None:
    """One line of the file; None if it makes no sense."""
    try:
        content = json.loads(line)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("gone"), str):
        return WorkerGone(content["gone"])
    if "revisions" in content:
        with contextlib.suppress(msgspec.ValidationError):
            return msgspec.convert(content["revisions"], RevisionRecord)
        return None
    kind, types = _kind(content)
    known: dict[str, Any] = {name: value for name, value in content.items() if isinstance(value, types.get(name, ()))}
    if kind is WorkerEntry and known.get("slot") is not None:
        known.setdefault("number", known["slot"])
    try:
        entry: Entry = kind(**known)
    except TypeError:  # a field is missing, or of another type
        return None
    return entry
