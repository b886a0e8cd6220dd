"""The control socket: a call a line, an answer a line."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar, cast

import pytest

from autohealer.core.operations import Answer, Operation, Options, Outcome, done, refused
from autohealer.runtime.control import Control
from autohealer.runtime.control_client import Conversation, ToldStep
from autohealer.runtime.control_messages import MAX_LINE, Peer, described
from autohealer.runtime.feed import Feed
from tests.support.processes import eventually

T = TypeVar("T")


class FakePool:
    """Answers one question, and writes down what it is asked to do."""

    feed = cast("Feed", None)

    def __init__(self) -> None:
        self.asked: list[Operation] = []
        self.answers: list[Callable[[Answer], object]] = []

    async def prepare(self, question: str) -> None:
        assert isinstance(question, str)

    def answer(self, question: str) -> object:
        return {"status": {"running": 3}, "nothing": None}[question]

    def do(
        self, operation: Operation, answered: Callable[[Answer], object], stepped: Callable[[object], object]
    ) -> None:
        self.asked.append(operation)
        if operation.verb == "slow":
            self.answers.append(answered)
            return
        stepped({"exchanged": 1})
        answered(done("killed it") if operation.verb == "kill" else refused("no", 2))


class Bench:
    """A control in a loop that runs while somebody waits for an answer."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind("")  # an abstract name, which the kernel chooses
        self.listener.listen()
        self.address = self.listener.getsockname()
        self.pool = FakePool()
        self.control = Control(lambda name: self.pool if name in (None, "web") else None)
        self.loop.run_until_complete(self.control.listen(self.listener))

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(self.address)
        return connection

    def say(self, *calls: bytes) -> list[bytes]:
        """Send this, and return the lines that come back until the end."""

        def talk() -> list[bytes]:
            # What the other end did not read resets the connection.
            with suppress(ConnectionResetError, BrokenPipeError), self.connect() as connection:
                connection.sendall(b"".join(calls))
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as replies:
                    return replies.readlines()
            return []

        return self.wait(talk)

    def wait(self, talk: Callable[[], T]) -> T:
        """What somebody in another thread has to say."""
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
    """By the class that commands use; an answer may be null."""

    def talk() -> list[object]:
        with bench.connect() as connection:
            conversation = Conversation(connection)
            return [conversation.ask("status", 20), conversation.ask("nothing", 20)]

    assert bench.wait(talk) == [{"running": 3}, None]


def test_several_on_one_connection(bench: Bench) -> None:
    """Each gets its answer, in order."""
    question = b'{"ask": "status"}\n'
    assert [json.loads(line) for line in bench.say(question, question)] == [{"answer": {"running": 3}}] * 2


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"\xff\xfe\n",
        b"[]\n",
        b"3\n",
        b'{"ask": []}\n',
        b'{"ask": "pods"}\n',
        b"{}\n",
        b"[" * 60_000 + b"\n",
        b'{"ask": "status", "more": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}\n",
        b'{"do": {"id": 3, "verb": "kill"}}\n',
        b'{"do": {"verb": "kill"}}\n',
        b'{"do": {"id": "1", "verb": "kill", "options": {"soak": "long"}}}\n',
        b'{"ask": "status", "pool": "other"}\n',
        b'{"ask": "\\ud800"}\n',
        b'{"do": {"id": "1", "verb": "kill", "options": {"command": [{"a": 1}]}}}\n',
    ],
)
def test_what_is_no_call(bench: Bench, line: bytes) -> None:
    """It is said what is wrong with it, and the connection goes on."""
    answers = [json.loads(reply) for reply in bench.say(line, b'{"ask": "status"}\n')]
    assert [list(answer) for answer in answers] == [["error"], ["answer"]]


def test_a_line_without_an_end(bench: Bench) -> None:
    """It fills no memory: the connection is closed, and the next one is served."""
    assert bench.say(b"x" * (3 * MAX_LINE)) == []
    assert len(bench.say(b'{"ask": "status"}\n')) == 1


def test_another_pool_of_the_process(bench: Bench) -> None:
    """It is asked by its name."""
    assert json.loads(bench.say(b'{"ask": "status", "pool": "web"}\n')[0]) == {"answer": {"running": 3}}


def test_an_operation_its_steps_and_its_answer(bench: Bench) -> None:
    """Who asks is known from the kernel, whatever the call says of it."""
    steps: list[ToldStep] = []

    def talk() -> Answer | None:
        with bench.connect() as connection:
            conversation = Conversation(connection)
            conversation.begin(Operation("o1", "kill", "web1-a-0-x", "the pope"))
            return conversation.wait(20, steps.append)

    assert bench.wait(talk) == Answer(Outcome.DONE, "killed it")
    assert steps == [ToldStep(exchanged=1)]
    assert bench.pool.asked == [Operation("o1", "kill", "web1-a-0-x", described(os.getuid()))]


def test_what_is_refused(bench: Bench) -> None:
    """With the exit code that a command is to have."""
    reply = bench.say(b'{"do": {"id": "o1", "verb": "dance"}}\n')
    assert json.loads(reply[-1]) == {"answer": {"outcome": "refused", "detail": "no", "code": 2}}


def test_an_operation_that_takes_its_time(bench: Bench) -> None:
    """Who waits is told in time that there is nothing yet, and later what came of it."""
    answers: list[Answer | None] = []

    def talk() -> None:
        with bench.connect() as connection:
            conversation = Conversation(connection)
            conversation.begin(Operation("o1", "slow"))
            answers.append(conversation.wait(0.05))
            eventually(lambda: bench.pool.answers)
            bench.loop.call_soon_threadsafe(bench.pool.answers[0], done("at last"))
            answers.append(conversation.wait(20))

    bench.wait(talk)
    assert answers == [None, Answer(Outcome.DONE, "at last")]


def test_who_hangs_up_before_the_answer(bench: Bench) -> None:
    """Nothing breaks, and others are served."""
    complaints: list[object] = []
    bench.loop.set_exception_handler(lambda _, context: complaints.append(context))

    def talk() -> None:
        with bench.connect() as connection:
            Conversation(connection).begin(Operation("o1", "slow"))
            eventually(lambda: bench.pool.answers)
        bench.loop.call_soon_threadsafe(bench.pool.answers[0], done())

    bench.wait(talk)
    assert len(bench.say(b'{"ask": "status"}\n')) == 1
    assert complaints == []


def test_a_command_of_another_user_is_not_taken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    call = b'{"do": {"id": "1", "verb": "update", "options": {"command": ["rm"]}}}\n'
    bench.say(call)
    assert [operation.options.command for operation in bench.pool.asked] == [("rm",)]
    monkeypatch.setattr("autohealer.runtime.control.peer_of", lambda _: Peer(1, os.geteuid() + 4711))
    (refusal,) = bench.say(call)

    assert json.loads(refusal)["answer"]["outcome"] == "refused"
    assert len(bench.pool.asked) == 1


def test_who_may_choose_a_command() -> None:
    """The agent's own user, and root."""
    assert Peer(1, os.geteuid()).may_choose_commands
    assert Peer(1, 0).may_choose_commands
    assert not Peer(1, os.geteuid() + 4711).may_choose_commands


def test_a_user_without_a_name() -> None:
    """Is known by the number."""
    assert described(4_294_900_000).startswith("uid 4294900000@")


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


def test_a_command_whose_arguments_are_no_text(bench: Bench) -> None:
    """File names may hold any bytes: they arrive as they were typed."""
    command = ("cat", os.fsdecode(b"/tmp/\xff\xfe"))

    def talk() -> None:
        with bench.connect() as connection:
            conversation = Conversation(connection)
            conversation.begin(Operation("o1", "kill", "web1-a-0-x", options=Options(command=command)))
            conversation.wait(20)

    bench.wait(talk)
    assert [operation.options.command for operation in bench.pool.asked] == [command]
