"""The other end of the control socket: a command or the dashboard that speaks with an agent. It needs no loop."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import msgspec

from autohealer.core.operations import Answer, Operation
from autohealer.runtime.control_messages import Asked, Call, to_line


class ToldStep(msgspec.Struct, frozen=True):
    """What is told on the way to an answer: an event of a rollout, as far as people see it, or a ``line`` for them."""

    event: str = ""
    detail: str = ""
    exchanged: int | None = None
    of: int | None = None
    line: str | None = None


Stepped = Callable[[ToldStep], object]


def ignore(_: ToldStep) -> None:
    """Nobody wants to hear of the steps."""


class _Reply(msgspec.Struct):
    """A line from the agent: one of these is there."""

    step: ToldStep | None = None
    answer: object = msgspec.UNSET
    error: str | None = None


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

    def wait(self, timeout_s: float | None = None, stepped: Stepped = ignore) -> Answer | None:
        """What came of what was begun; None where nothing has within the time."""
        reply = self._reply(timeout_s, stepped)
        return None if reply is None else msgspec.convert(reply[0], Answer)

    def _say(self, call: Call) -> None:
        self._connection.sendall(to_line(call))

    def _reply(self, timeout_s: float | None, stepped: Stepped = ignore) -> tuple[object] | None:
        """The next answer, which may be null; None where there is none in time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (line := self._line(deadline)) is not None:
            found = msgspec.json.decode(line, type=_Reply)
            if found.step is not None:
                stepped(found.step)
            elif found.answer is not msgspec.UNSET:
                return (found.answer,)
            else:
                raise ValueError(str(found.error))
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
