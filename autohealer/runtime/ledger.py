"""What an agent must know to go on where the last one here was killed: who it is, and which workers it has.

A file of JSON lines that is only appended to, one write for a batch, and written anew when it has grown. It outlives
the process, not a crash of the machine (after which no worker is left to be adopted), so it is not synced.
A line that makes no sense is passed over: the tail may be torn, and what a full disk swallowed is found in /proc.

    {"agent": "web1-k3x9qa", "boot": "8f0e…", "target": 10, "zookeeper": "127.0.0.1:2181", …}   the facts, whole
    {"worker": "web1-k3x9qa-0-h2d4c6", "slot": 0, "pid": 4711, "start_time": 8123456, "started": "2026-01-…"}
    {"gone": "web1-k3x9qa-0-h2d4c6"}
    {"finished": 3, "failed": false, "revision": 1}
    {"revisions": {"asked": "5f2c…", "highest": 3, "present": {"number": 3, "spec": {…}}, "former": {…}, …}}

The agent's id stands in the file ``agent-id`` as well, which is written once: with it a worker is known by its
environment, whatever becomes of the ledger.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import socket
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from autohealer.core.model import SlotAccount
from autohealer.runtime.private_files import create_file, read_file
from autohealer.runtime.revisions import RevisionRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_GROWTH = 2000
_MOST_BYTES = 256 * 2**20
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0 and o, 1, i and l: people read these aloud
_RANDOM_LENGTH = 6
_HOST_LENGTH = 20

AgentId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,99}$")]
_Worker = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{2,199}$")]
_Text = Annotated[str, Meta(pattern=r"^[ -~]{0,1000}$")]
_Secret = Annotated[str, Meta(pattern=r"^([0-9a-f]{2}){0,64}$")]
_Pid = Annotated[int, Meta(ge=2, le=2**22)]
_Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Port = Annotated[int, Meta(ge=1, le=65_535)]
_Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]


class Account(msgspec.Struct, frozen=True):
    """What a slot has left of its restarts; `SlotAccount` in the core."""

    slot: _Count
    tokens: Annotated[float, Meta(ge=0, le=1000)]
    throttled: _Count
    failures: _Count
    wait_s: Annotated[float, Meta(ge=0, le=1e6)]


class HandOver(msgspec.Struct, frozen=True):
    """What an agent that leaves tells the next one here."""

    draining: bool
    accounts: tuple[Account, ...] = ()

    @classmethod
    def of(cls, draining: bool, accounts: Iterable[SlotAccount]) -> HandOver:
        """As the core tells it."""
        return cls(draining, tuple(Account(*astuple(account)) for account in accounts))

    def accounts_of_slots(self) -> tuple[SlotAccount, ...]:
        """As the core takes it."""
        return tuple(SlotAccount(*msgspec.structs.astuple(account)) for account in self.accounts)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns the agent and the pool as a whole; None where it is not known (yet)."""

    agent: AgentId
    boot: _Text
    """The boot id under which the pids below have a meaning."""
    place: _Text | None = None
    """The directory that the file is in, by device and inode: another one is a copy."""
    target: _Count | None = None
    """N of the last ``run``."""
    zookeeper: _Text | None = None
    server_port: _Port | None = None
    """Where the embedded server listened."""
    session_id: _Int64 | None = None
    session_password: _Secret | None = None
    """In hexadecimal. A secret: who has it can take the session over. Gone in a copy, or after the machine's start:
    two that live in one session do not even notice each other, as long as each speaks to a server of its own."""
    registration: _Text | None = None
    """How the pool's workers were seen to register."""
    stopped: _Text | None = None
    """The last operation by which this pool was stopped: it must not stop the next one."""
    held: tuple[str, ...] = ()
    """The senses whose verdicts somebody holds: ZooKeeper may be away when the next agent here starts."""
    hold_by: str | None = None
    """Who holds or has released them, where ZooKeeper has not been told yet."""
    left: HandOver | None = None
    """Of an agent that has left in order; None while one runs, and of one that was killed."""

    def __repr__(self) -> str:
        return f"Facts(agent={self.agent!r}, zookeeper={self.zookeeper!r}, target={self.target!r})"


class WorkerEntry(msgspec.Struct, frozen=True):
    """A worker that was started, and with pid and start time its identity under one boot id."""

    worker: _Worker
    slot: _Count | None
    """None for a life beside the slots."""
    pid: _Pid
    start_time: _Int64
    started: _Moment
    number: _Count = 0
    """What ``{slot}`` was for it; its output file has this number."""
    revision: _Count = 0


class WorkerGone(msgspec.Struct, frozen=True):
    """A worker that is no more."""

    worker: str = msgspec.field(name="gone")


class SlotFinished(msgspec.Struct, frozen=True):
    """A slot whose worker has ended for good, in work that is done or (``failed``) not."""

    finished: _Count
    failed: bool
    revision: _Count


class _RevisionsLine(msgspec.Struct, frozen=True):
    """The line that holds them."""

    revisions: RevisionRecord


Entry = Facts | WorkerEntry | WorkerGone | SlotFinished | RevisionRecord
_KINDS = {
    "gone": WorkerGone,
    "finished": SlotFinished,
    "revisions": _RevisionsLine,
    "worker": WorkerEntry,
    "agent": Facts,
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
        """What the file says, without touching it; None if there has never been an agent here.

        What it says of workers is of use only with the facts: these tell under which boot id their pids were theirs.
        Without them the agent's id is what is left. Raises OSError if the file is there and cannot be read.
        """
        try:
            text = read_file(path, _MOST_BYTES)
        except FileNotFoundError:
            text = b""
        return cls.parse(path, text, lambda: _kept_id(path))

    @classmethod
    def parse(cls, path: Path, text: bytes, kept_id: Callable[[], str | None]) -> Ledger | None:
        """As `read`, of this content; ``kept_id`` is asked for the agent's id where the content does not tell it."""
        entries = [entry for line in text.splitlines() if (entry := _entry(line)) is not None]
        facts = next((entry for entry in entries if isinstance(entry, Facts)), None)
        if facts is None and (agent := kept_id()) is not None:
            facts = Facts(agent=agent, boot="")
        if facts is None:
            return None
        ledger = cls(path, facts, {})
        for entry in entries:
            ledger._take(entry)
        if not ledger.facts.boot:
            ledger.workers.clear()
        return ledger

    @classmethod
    def load(cls, path: Path, boot: str) -> tuple[Ledger, OSError | None]:
        """Open the ledger to write to it, or begin one: with the agent's former id, or else with a new one.

        Workers from before the machine's last start are left out. The file is written anew, which ends a torn
        tail; the error is why it could not be, and then `record` tries again. Raises OSError if the file is
        there and cannot be read: it must not be replaced by an empty one.
        """
        ledger = cls.read(path)
        place = place_of(path)
        if ledger is None:
            ledger = cls(path, Facts(agent=new_agent_id(socket.gethostname()), boot=boot, place=place), {})
        ledger.move_in(boot, place)
        return ledger, ledger.write_anew()

    def move_in(self, boot: str, place: str | None) -> None:
        """What it says is of use here and now only: no pid of another boot, no session of another place."""
        if (self.facts.boot, self.facts.place) != (boot, place):
            if self.facts.boot != boot:
                self.workers.clear()
            self.facts = msgspec.structs.replace(
                self.facts, boot=boot, place=place, session_id=None, session_password=None, hold_by=None
            )

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
            return self.write_anew()
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
        self.facts = msgspec.structs.replace(
            self.facts, target=None, server_port=None, session_id=None, session_password=None, held=(), hold_by=None
        )
        self.workers.clear()
        self.finished.clear()
        return self.write_anew()

    @property
    def is_failing(self) -> bool:
        """Does the file lack something that was recorded?"""
        return self._failing

    def close(self) -> None:
        """Close the file; what was recorded is in it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def write_anew(self) -> OSError | None:
        """Write all that is known to a new file and put it in the place of the old one, whatever became of that."""
        new, fd = f"{self.path}.new", None
        try:
            _keep_id(self.path, self.facts.agent)
            fd = create_file(new)
            entries: list[Entry] = [self.facts, *self.workers.values(), *self.finished.values()]
            if self.revisions is not None:
                entries.append(self.revisions)
            _write(fd, b"".join(map(_line, entries)))
            os.replace(new, self.path)
        except OSError as error:
            if fd is not None:
                os.close(fd)
                with contextlib.suppress(OSError):
                    os.unlink(new)
            is_news = not self._failing
            self._failing = True
            return error if is_news else None
        self.close()
        self._fd = fd
        self._appended = 0
        self._failing = False
        return None

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


def place_of(path: Path) -> str:
    """The folder that the ledger is in, by device and inode."""
    folder = path.parent.stat()
    return f"{folder.st_dev}:{folder.st_ino}"


def new_agent_id(host: str) -> str:
    """A name that no other agent has and people recognise: the host's, shortened, and a random part."""
    label = re.sub(r"[^A-Za-z0-9-]+", "-", host.partition(".")[0])[:_HOST_LENGTH].strip("-").lower()
    unique = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{label or 'host'}-{unique}"


def _kept_id(ledger: Path) -> str | None:
    """The id that an agent here has had, if it was kept."""
    with contextlib.suppress(OSError, ValueError, msgspec.ValidationError):
        return msgspec.convert(read_file(ledger.with_name("agent-id"), 200).decode().strip(), AgentId)
    return None


def _keep_id(ledger: Path, agent: str) -> None:
    if _kept_id(ledger) != agent:
        new = ledger.with_name("agent-id.new")
        fd = create_file(new)
        try:
            _write(fd, f"{agent}\n".encode())
        finally:
            os.close(fd)
        new.replace(ledger.with_name("agent-id"))


def _line(entry: Entry) -> bytes:
    """As ASCII: a command's argument may hold bytes that are no text, which only this module of JSON takes."""
    content = msgspec.to_builtins(_RevisionsLine(entry) if isinstance(entry, RevisionRecord) else entry)
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _write(fd: int, data: bytes) -> None:
    """One write; a part of it is a failure, as the next byte would not fit either."""
    if os.write(fd, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _entry(line: bytes) -> Entry | None:
    """One line of the file; None if it makes no sense."""
    try:
        content = json.loads(line)
        kind = next((kind for key, kind in _KINDS.items() if key in content), None)
        found = msgspec.convert(content, kind) if isinstance(content, dict) and kind is not None else None
    except (msgspec.MsgspecError, RecursionError, TypeError, ValueError):
        return None
    return found.revisions if isinstance(found, _RevisionsLine) else found
