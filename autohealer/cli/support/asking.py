"""How a command asks for something: by the agent on this host, and by ZooKeeper where none of the pool runs here."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from autohealer.core.operations import (
    MEANINGLESS,
    ROLLOUTS,
    UNREACHABLE,
    VERBS,
    Answer,
    Operation,
    Options,
    Outcome,
    check,
    done,
    refused,
)
from autohealer.errors import AutohealerError, GaveUpError, UnreachableError, UsageError
from autohealer.processes.tree import procfs
from autohealer.runtime.control_client import Conversation, Stepped, ToldStep, ignore
from autohealer.runtime.control_messages import described, peer_of
from autohealer.runtime.pool_rollout import answer_of, outcomes_of

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient
    from autohealer.core.model import AgentEntry
    from autohealer.runtime.state_dir import StateDir

ANSWER_S = 5.0
FROZEN_S = 1.0
RETRY_S = 0.05
_KINDS = {kind.exit_code: kind for kind in (AutohealerError, UsageError, UnreachableError, GaveUpError)}


class PendingAnswer(Protocol):
    """Something that was asked for."""

    def wait(self, timeout_s: float, stepped: Stepped = ignore) -> Answer | None:
        """What came of it; None where that is not known in time. ``stepped`` gets what happens on the way."""


def settled(answer: Answer | None, patience: str) -> Answer:
    """The answer. Raises what was said where it was refused or went wrong, and where nobody answered (``patience``)."""
    if answer is None:
        raise UnreachableError(patience, "see `autohealer status`")
    if answer.outcome is Outcome.REFUSED or answer.code:
        if answer.code == MEANINGLESS:
            raise UsageError(answer.detail)  # it says itself what is to be done
        hint = "see `autohealer status`" if answer.outcome is Outcome.REFUSED else "see `autohealer events`"
        raise _KINDS.get(answer.code, AutohealerError)(answer.detail, hint)
    return answer


def operation(verb: str, subject: str, options: Options | None = None) -> Operation:
    """A new one. Raises UsageError for one that makes no sense."""
    asked = Operation(secrets.token_hex(8), verb, subject, described(os.getuid()), options or Options())
    problem = check(asked)
    if problem is not None:
        raise UsageError(problem.detail, f"see `autohealer {verb} --help`")
    return asked


class Local:
    """The agent on this host, at the other end of its control socket."""

    def __init__(self, connection: socket.socket, pool: str) -> None:
        self._pid, self._name = peer_of(connection).pid, pool
        self._conversation = Conversation(connection)

    def ask(self, question: str) -> object:
        """Its answer. Raises UnreachableError where it is frozen or too busy; OSError, ValueError where it ends."""
        self._conversation.say_question(question)
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            if (found := self._conversation.answer(FROZEN_S)) is not None:
                return found[0]
            self._expect_awake()
        raise UnreachableError(
            f"the agent of pool {self._name} (pid {self._pid}) has not answered within {ANSWER_S:g} s",
            "it is frozen, or the machine has too much to do",
        )

    def begin(self, asked: Operation) -> None:
        """Ask for this."""
        self._conversation.begin(asked)

    def wait(self, timeout_s: float, stepped: Stepped = ignore) -> Answer | None:
        """What came of it. An agent that ends, as after `stop`, answers by that."""
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                answer = self._conversation.wait(min(left_s, FROZEN_S), stepped)
            except (OSError, ValueError):
                return refused(f"the agent of pool {self._name} (pid {self._pid}) has ended", UNREACHABLE)
            if answer is not None:
                return answer
            self._expect_awake()
        return None

    def _expect_awake(self) -> None:
        stat = procfs.read_stat(self._pid)
        if stat is not None and stat.state in "Tt":
            raise UnreachableError(
                f"the agent of pool {self._name} (pid {self._pid}) is frozen: something has stopped the process",
                f"wake it with: kill -CONT {self._pid}; its workers run, and are not healed until then",
            )


class Remote:
    """The agents of the pool, by requests in ZooKeeper."""

    def __init__(self, console: PoolClient) -> None:
        self._console = console
        self._requests: list[str] = []
        self._is_rollout, self._subject, self._told = False, "", ""
        self._answer: Answer | None = None

    def begin(self, asked: Operation) -> None:
        """Ask for this."""
        if asked.verb == "scale":
            self._console.scale(int(asked.subject))
            self._answer = done(f"the target is {asked.subject}")
            return
        if asked.verb in ("hold", "release"):
            held = self._console.hold(asked.subject, asked.by or "", release=asked.verb == "release")
            self._answer = done(f"held: {', '.join(sorted(held))}" if held else "nothing is held")
            return
        if VERBS[asked.verb].expires_s is None:
            raise UnreachableError(
                f"no agent of the pool runs on this host, and {asked.verb} does not cross ZooKeeper",
                f"run `autohealer {asked.verb}` where an agent runs",
            )
        subject = self._left() if asked.verb == "undo" else asked.subject
        self._is_rollout, self._subject = asked.verb in ROLLOUTS, asked.subject
        self._requests.append(self._console.request(replace(asked, subject=subject)))

    def wait(self, timeout_s: float, stepped: Stepped = ignore) -> Answer | None:
        """Whether whom it concerns has taken all of it away."""
        if self._answer is not None:
            return self._answer
        deadline = time.monotonic() + timeout_s
        if self._is_rollout:
            self._look(stepped)
        for request in self._requests:
            if not self._console.wait_answered(request, max(0.0, deadline - time.monotonic())):
                return None
        if not self._is_rollout:
            return done()
        return answer_of(outcomes_of(self._look(ignore), frozenset(self._requests)), self._subject)

    def _look(self, stepped: Stepped) -> dict[str, AgentEntry]:
        """What the agents say of themselves; what is left to be done is told where it is news."""
        entries = {agent: entry for agent, entry in self._console.agents().items() if entry is not None}
        left = ", ".join(f"{agent}: {r.old}" for agent, e in sorted(entries.items()) if (r := e.revision) and r.old)
        if left and left != self._told:
            self._told = left
            stepped(ToldStep("rollout.step", f"still to be replaced on {left}"))
        return entries

    def _left(self) -> str:
        """The revision that the agents have. Raises AutohealerError where they have several."""
        hashes = {entry.revision.hash for entry in self._console.agents().values() if entry and entry.revision}
        if len(hashes) != 1:
            raise AutohealerError(
                "the agents of the pool have different revisions", "run `autohealer undo` on the host that is meant"
            )
        return hashes.pop()

    def withdraw(self) -> None:
        """Nobody is left to answer; who comes later shall not find it."""
        for request in self._requests:
            self._console.withdraw(request)


@contextmanager
def local(state: StateDir) -> Iterator[Local | None]:
    """The agent that runs the pool on this host, and None where none does."""
    connection = _connect(state)
    if connection is None:
        yield None
        return
    with connection:
        yield Local(connection, state.pool)


def _connect(state: StateDir) -> socket.socket | None:
    """To the agent here. One that has only just begun is waited for."""
    deadline = time.monotonic() + ANSWER_S
    while state.is_locked():
        try:
            return state.connect_control(FROZEN_S)
        except OSError as error:
            if time.monotonic() > deadline:
                raise UnreachableError(
                    f"the agent of pool {state.pool} (pid {state.holder_pid()}) does not answer: {error}",
                    "it is frozen, or about to end; see `autohealer events`",
                ) from error
        time.sleep(RETRY_S)
    return None
