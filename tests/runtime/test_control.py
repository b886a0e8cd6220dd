"""The control socket: a question a line, an answer a line."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

from autohealer.runtime.control import MAX_LINE, Control, ask


class Bench:
    """A control in a loop that runs while somebody waits for an answer."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind("")  # an abstract name, which the kernel chooses
        self.listener.listen()
        self.address = self.listener.getsockname()
        self.control = Control({"status": lambda: {"running": 3}})
        self.loop.run_until_complete(self.control.listen(self.listener))

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(self.address)
        return connection

    def say(self, *questions: bytes) -> list[bytes]:
        """Send this, and return the lines that come back until the end."""

        def talk() -> list[bytes]:
            with self.connect() as connection:
                connection.sendall(b"".join(questions))
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as replies:
                    return replies.readlines()

        return self.loop.run_until_complete(asyncio.to_thread(talk))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.control.close()
    for _ in range(10):  # what has been closed is told so in the next rounds
        bench.loop.run_until_complete(asyncio.sleep(0))
    bench.loop.run_until_complete(bench.loop.shutdown_default_executor())
    bench.loop.close()


def test_a_question_and_its_answer(bench: Bench) -> None:
    """By the function that commands use."""

    def talk() -> object:
        with bench.connect() as connection:
            return ask(connection, "status")

    assert bench.loop.run_until_complete(asyncio.to_thread(talk)) == {"running": 3}


def test_several_on_one_connection(bench: Bench) -> None:
    """Each gets its answer, in order."""
    question = b'{"ask": "status"}\n'
    assert [json.loads(line) for line in bench.say(question, question)] == [{"answer": {"running": 3}}] * 2


@pytest.mark.parametrize(
    "line", [b"\n", b"\xff\xfe\n", b"[]\n", b"3\n", b'{"ask": []}\n', b'{"ask": "pods"}\n', b"{}\n"]
)
def test_what_is_no_question(bench: Bench, line: bytes) -> None:
    """It is said which ones there are, and the connection goes on."""
    answers = [json.loads(reply) for reply in bench.say(line, b'{"ask": "status"}\n')]
    assert answers == [{"error": "ask one of: status"}, {"answer": {"running": 3}}]


def test_a_line_without_an_end(bench: Bench) -> None:
    """It fills no memory: the connection is closed, and the next one is served."""
    assert bench.say(b"x" * (3 * MAX_LINE)) == []
    assert len(bench.say(b'{"ask": "status"}\n')) == 1


def test_a_connection_that_stays_open_is_no_mistake_at_the_end(bench: Bench) -> None:
    """The end of the agent cancels it without a complaint."""
    complaints: list[object] = []
    bench.loop.set_exception_handler(lambda _, context: complaints.append(context))
    with bench.connect() as connection:
        connection.sendall(b"half a quest")
        while not (serving := [task for task in asyncio.all_tasks(bench.loop) if "_serve" in repr(task)]):
            bench.loop.run_until_complete(asyncio.sleep(0))
        bench.loop.run_until_complete(asyncio.wait(serving, timeout=0.01))
        serving[0].cancel()
        bench.loop.run_until_complete(asyncio.wait(serving))
    assert complaints == []
