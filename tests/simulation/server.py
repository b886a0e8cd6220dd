"""The embedded server's engine on virtual time: no sockets, and a journal that is a list.

It can go away, and come back with what it had, with an older journal, or with nothing; each life begins at the next
high word of the zxid, as the real one's does.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from autohealer.zkserver.connection import Connection
from autohealer.zkserver.engine import Engine
from autohealer.zkserver.entries import State
from autohealer.zkserver.record_file import RecordFile, read_records
from autohealer.zkserver.sessions import Sessions

if TYPE_CHECKING:
    from tests.simulation.clock import Call, Clock
    from tests.simulation.network import Wire


def torn(entries: bytes, dice: random.Random) -> list[bytes]:
    """What is read of a record that was cut off somewhere: it, or nothing."""
    found: list[bytes] = []
    with TemporaryDirectory() as directory:
        path = Path(directory, "journal")
        record = RecordFile.create(path, fsync=False)
        record.append(entries)
        record.close()
        os.truncate(path, dice.randint(0, record.size))
        with path.open("rb") as file:
            read_records(file, found.append, ())
    return found


class Server:
    """``written`` is called after each batch of changes, with the engine that made them."""

    def __init__(self, clock: Clock, dice: random.Random, written: Callable[[Engine], None]) -> None:
        self._clock, self._dice, self._written = clock, dice, written
        self._epoch = 0
        self._tick: Call | None = None
        self._wires: dict[Connection, Wire] = {}
        self.journal: list[bytes] = []
        self.engine: Engine | None = None
        self.frames = 0
        """All that clients have ever sent."""
        self.digest = 0
        """Of all of it, in its order."""
        self._tears: random.Random | None = None
        self.start()

    @property
    def is_up(self) -> bool:
        return self.engine is not None

    def start(self, *, forget: int = 0, wiped: bool = False) -> None:
        """Begin a life: with the whole journal, or without its last ``forget`` batches, or with none of it."""
        if wiped:
            self.journal.clear()
        elif forget:
            del self.journal[max(1, len(self.journal) - forget) :]
        state = State()
        for batch in self.journal:
            state.apply(batch)
        self._epoch += 1
        self.engine = engine = Engine(
            zxid=self._epoch << 32,
            sessions=Sessions(self._epoch << 40, self._dice.randbytes),
            now=self._clock.now,
            wall_ms=lambda: int(self._clock.now * 1000),
            journalled=True,
        )
        engine.restore(state, self._clock.now)
        self.journal = list(engine.everything())
        self._settle()

    def begin_low(self) -> None:
        """Begin a life as a server that knows nothing of any former one, and counts from the beginning."""
        self._epoch = 0
        self.start(wiped=True)

    def stop(self) -> None:
        """Gone, with all its connections. What it has answered is in the journal."""
        self.engine = None
        wires, self._wires = self._wires, {}
        for wire in wires.values():
            wire.server_closed()

    def crash_in_next_write(self, dice: random.Random) -> None:
        """Be killed in the middle of the next record, and start again: nobody has had an answer."""
        self._tears = dice

    def expire(self, session_id: int) -> bool:
        """End a session, as if its time were up. False: there is none."""
        engine = self.engine
        session = engine.sessions.by_id.get(session_id) if engine is not None else None
        if engine is None or session is None:
            return False
        engine.expire(session)
        self._settle()
        return True

    # ---- what wires call

    def connected(self, wire: Wire) -> Connection | None:
        """A client reaches us; None: nobody listens."""
        if self.engine is None:
            return None
        connection = self.engine.connect("127.0.0.1", 1, self._clock.now)
        self._wires[connection] = wire
        return connection

    def received(self, connection: Connection, data: bytes) -> None:
        """Bytes come in, and all that can be answered is."""
        if self.engine is None or connection not in self._wires:
            return
        self.frames += 1
        self.digest = zlib.crc32(data, self.digest)
        connection.frames.feed(data)
        while self.engine.receive(connection, self._clock.now):
            pass
        self._settle()

    def pinged(self, connection: Connection) -> int | None:
        """A client is there; the last zxid, if it is connected."""
        if self.engine is None or connection not in self._wires:
            return None
        self.frames += 1
        connection.heard(self._clock.now)
        return self.engine.zxid

    def disconnected(self, connection: Connection) -> None:
        """The client has closed it."""
        if self._wires.pop(connection, None) is not None and self.engine is not None:
            self.engine.disconnect(connection)
            self._settle()

    # ---- how

    def _settle(self) -> None:
        """What the real server's loop does at the end of a pass: the journal, then the connections."""
        engine = self.engine
        if engine is None:
            return
        entries = engine.take_entries()
        if entries and self._tears is not None:
            self.journal += torn(entries, self._tears)
            self._tears = None
            self.stop()
            self.start()
            return
        if entries:
            self.journal.append(entries)
            self._written(engine)
        while engine.touched:
            connection = engine.touched.pop(0)
            connection.dirty = False
            wire = self._wires.get(connection)
            data = b"".join(connection.outgoing)
            connection.outgoing.clear()
            connection.outgoing_size = 0
            if wire is not None and data:
                wire.send_down(data)
            if connection.closing:
                engine.disconnect(connection)
                if wire is not None:
                    del self._wires[connection]
                    wire.server_closed()
        self._schedule(engine)

    def _schedule(self, engine: Engine) -> None:
        deadline = engine.next_deadline(self._clock.now)
        if self._tick is not None:
            if deadline is not None and self._tick.function is not None and self._tick.at <= deadline:
                return
            self._tick.cancel()
        self._tick = None
        if deadline is not None:
            self._tick = self._clock.later(deadline - self._clock.now, self._ticked, engine)

    def _ticked(self, engine: Engine) -> None:
        self._tick = None
        if engine is self.engine:
            engine.tick(self._clock.now)
            self._settle()
