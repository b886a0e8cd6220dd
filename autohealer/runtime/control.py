"""The socket by which programs on this host speak with the agent: one JSON object a line, in and out.

    {"ask": "status"}                                                         -> {"answer": ...}
    {"do": {"id": "…", "verb": "kill", "subject": "web1-k3x9qa-0-h2d4c6"}}    -> {"answer": {"outcome": "done", …}}

    {"subscribe": {"others": true}}                                           -> lines as `feed` tells

``"pool"`` in a call names another pool of the same process. An operation that takes a while may be followed by lines
``{"step": …}`` before its answer. It works while ZooKeeper is away. The folder's mode keeps other users out.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from autohealer.core.operations import Answer, Operation, Options

if TYPE_CHECKING:
    from autohealer.runtime.feed import Feed

# A line may hold the command of an `update`.
MAX_LINE = 128 * 1024


class Asked(msgspec.Struct, frozen=True):
    """What to do."""

    id: str
    verb: str
    subject: str = ""
    options: Options = msgspec.field(default_factory=Options)


class Subscription(msgspec.Struct, frozen=True):
    """How to be fed; ``others``: with other agents, too."""

    others: bool = False


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line to the agent: a question, something to do, or the wish to be fed from now on."""

    ask: str | None = None
    do: Asked | None = None
    subscribe: Subscription | None = None
    pool: str | None = None


class Peer(NamedTuple):
    """Who is at the other end of a connection, as the kernel says."""

    pid: int
    uid: int

    @property
    def may_choose_commands(self) -> bool:
        """Whether a command to run is taken from it: the agent's own user, or root."""
        return self.uid in (0, os.geteuid())


class Service(Protocol):
    """A pool that answers."""

    @property
    def feed(self) -> Feed:
        """What subscribers are fed by."""

    def answer(self, question: str) -> object:
        """What is known. KeyError for a question that is not known."""

    def do(
        self, operation: Operation, answered: Callable[[Answer], object], stepped: Callable[[object], object], /
    ) -> None:
        """Carry it out, or say why not; ``answered`` is called once, ``stepped`` for what is worth telling before."""


Find = Callable[[str | None], Service | None]


class Control:
    """The agent's end. ``find`` gives the pool of a name; None is the one whose socket this is."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._server: asyncio.Server | None = None

    async def listen(self, listener: socket.socket) -> None:
        """Answer from now on, until ``close``."""
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_LINE)

    def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled only at the agent's end; a task that ended so would be taken for a mistake of ours.
        with suppress(OSError, ValueError, asyncio.LimitOverrunError, asyncio.CancelledError):
            peer = peer_of(writer.get_extra_info("socket"))
            while line := await reader.readline():
                if (call := _call(line, writer)) is None:
                    continue
                if (pool := self._find(call.pool)) is None:
                    writer.write(_line({"error": f"this agent runs no pool {call.pool!r}"}))
                elif call.subscribe is not None:
                    await pool.feed.serve(reader, writer, others=call.subscribe.others)
                    break
                else:
                    await self._reply(call, pool, peer, writer)
                await writer.drain()
        writer.close()

    async def _reply(self, call: Call, pool: Service, peer: Peer, writer: asyncio.StreamWriter) -> None:
        if call.do is not None:
            writer.write(_line({"answer": await self._do(pool, call.do, peer, writer)}))
            return
        try:
            writer.write(_line({"answer": pool.answer(call.ask or "")}))
        except KeyError:
            writer.write(_line({"error": "there is no such question"}))

    async def _do(self, pool: Service, asked: Asked, peer: Peer, writer: asyncio.StreamWriter) -> Answer:
        loop = asyncio.get_running_loop()
        by = await loop.run_in_executor(None, described, peer.uid)
        answered: asyncio.Future[Answer] = loop.create_future()

        def answer(found: Answer) -> None:
            if not answered.done():
                answered.set_result(found)

        operation = Operation(asked.id, asked.verb, asked.subject, by, asked.options)
        pool.do(operation, answer, lambda step: writer.write(_line({"step": step})))
        return await answered


def _call(line: bytes, writer: asyncio.StreamWriter) -> Call | None:
    """What a line asks for; None where that makes no sense, which is answered."""
    try:
        return msgspec.json.decode(line, type=Call)
    except (msgspec.MsgspecError, RecursionError) as error:
        writer.write(_line({"error": f"not a call: {_shown(error)}"}))
        return None


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end. Raises OSError."""
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(pid, uid)


@lru_cache(maxsize=64)
def described(uid: int) -> str:
    """A user as ``name@host``. May ask a directory service, which takes its time: not for the loop's thread."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return f"{name}@{socket.gethostname()}"


def _line(content: object) -> bytes:
    return msgspec.json.encode(content) + b"\n"


def _shown(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


# ---- the other end


class Conversation:
    """A connection to an agent. Every method raises OSError or ValueError where no proper answer comes."""

    def __init__(self, connection: socket.socket, pool: str | None = None) -> None:
        self._connection, self._pool = connection, pool
        self._read = bytearray()

    def say_question(self, question: str) -> None:
        """Ask this; `answer` tells what was said to it."""
        self._say(Call(ask=question, pool=self._pool))

    def answer(self, timeout_s: float | None = None) -> tuple[object] | None:
        """What was said to the question, which may be null; None where nothing was within the time."""
        return self._reply(timeout_s)

    def ask(self, question: str, timeout_s: float | None = None) -> object:
        """Ask and wait. TimeoutError where it takes longer."""
        self.say_question(question)
        reply = self.answer(timeout_s)
        if reply is None:
            raise TimeoutError("the agent does not answer")
        return reply[0]

    def begin(self, operation: Operation) -> None:
        """Ask for this; `wait` tells what came of it."""
        asked = Asked(operation.id, operation.verb, operation.subject, operation.options)
        self._say(Call(do=asked, pool=self._pool))

    def wait(self, timeout_s: float | None = None, stepped: Callable[[object], None] = lambda _: None) -> Answer | None:
        """What came of what was begun; None where nothing has within the time."""
        reply = self._reply(timeout_s, stepped)
        return None if reply is None else msgspec.convert(reply[0], Answer)

    def _say(self, call: Call) -> None:
        self._connection.sendall(_line(call))

    def _reply(
        self, timeout_s: float | None, stepped: Callable[[object], None] = lambda _: None
    ) -> tuple[object] | None:
        """The next answer, which may be null; None where there is none in time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (line := self._line(deadline)) is not None:
            found = msgspec.json.decode(line)
            if not isinstance(found, dict):
                raise ValueError("the agent's answer makes no sense")  # noqa: TRY004 - it has come from outside
            if "step" in found:
                stepped(found["step"])
            elif "answer" in found:
                return (found["answer"],)
            else:
                raise ValueError(str(found.get("error")))
        return None

    def _line(self, deadline: float | None) -> bytes | None:
        while (end := self._read.find(b"\n")) < 0:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            self._connection.settimeout(left)
            try:
                data = self._connection.recv(1 << 16)
            except TimeoutError:
                return None
            if not data:
                raise ConnectionResetError("the agent has ended")
            self._read += data
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        return line
