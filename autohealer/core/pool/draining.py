"""How this agent comes to run nothing: it drains, and then stays or ends; or it ends at once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from autohealer.core.actions import Action, AnswerOperation, EmitEvent, EndAgent, LeaveCluster
from autohealer.core.model import Instant
from autohealer.core.notices import AgentDraining
from autohealer.core.operations import Operation, done, refused

KILLED = 130


class Drain(msgspec.Struct, frozen=True):
    """It is to run nothing. It hands over until ``until`` at the latest, and then ends, or stays (``ends``)."""

    ends: bool
    until: Instant
    operations: tuple[Operation, ...] = ()


class Draining:
    """``drain`` is the one that is under way. ``exit``: with what the agent ends."""

    def __init__(self, agent: str, drain_timeout_s: float, order: Callable[[Action], None]) -> None:
        self._agent, self._timeout_s, self._order = agent, drain_timeout_s, order
        self.drain: Drain | None = None
        self.exit = EndAgent(0)
        self.is_killing = False
        self.is_leaving = False
        """Nothing of this agent's workers is left, and it is about to be gone."""
        self._is_out_of_patience = False

    @property
    def is_ending(self) -> bool:
        """Whether the agent ends when it is empty."""
        return self.drain is not None and self.drain.ends

    def next_deadline(self) -> Instant | None:
        """When patience ends."""
        return self.drain.until if self.drain is not None and not self._is_out_of_patience else None

    def end(self, cause: str, until: Instant, *, leave_with: EndAgent | None = None) -> None:
        """Be empty at ``until`` at the latest, and end."""
        if not self.is_ending:
            self.exit = leave_with or self.exit
            self._begin(cause, Drain(ends=True, until=until))

    def ask_to_end(self, cause: str, now: Instant, *, hand_over: bool) -> None:
        """Somebody wants this agent to end; ``hand_over``: others are to take over first."""
        self.end(cause, now + (self._timeout_s if hand_over else 0.0))

    def kill(self, now: Instant) -> None:
        """End at once."""
        self.drain, self.is_killing = Drain(ends=True, until=now), True
        self._is_out_of_patience = True
        self.exit = EndAgent(KILLED)

    def go_on(self, now: Instant) -> None:
        """This agent's former life had been drained, and stays so."""
        self.drain = Drain(ends=False, until=now)

    def stay(self, operation: Operation, now: Instant) -> None:
        """``drain AGENT``: be empty, and stay."""
        if self.drain is None:
            self._begin("autohealer drain", Drain(ends=False, until=now + self._timeout_s, operations=(operation,)))
        else:
            self.drain = replace(self.drain, operations=(*self.drain.operations, operation))

    def undo(self, operation: Operation) -> None:
        """``drain AGENT --undo``."""
        if self.is_ending:
            self._order(AnswerOperation(operation, refused(f"agent {self._agent} is about to end")))
            return
        for overtaken in self.drain.operations if self.drain is not None else ():
            self._order(AnswerOperation(overtaken, refused("undone before it was empty")))
        self.drain = None
        self._order(AnswerOperation(operation, done(f"agent {self._agent} may have workers again")))

    def must_be_empty(self, now: Instant, *, may_hand_over: bool) -> bool:
        """Whether nothing may run any more; while others take over, this agent goes by the plan."""
        if self.drain is None:
            return False
        self._is_out_of_patience = now >= self.drain.until
        return self._is_out_of_patience or not may_hand_over

    def empty(self) -> None:
        """Nothing of this agent's workers is left."""
        drain = self.drain
        if drain is None or self.is_leaving:
            return
        for operation in drain.operations:
            self._order(AnswerOperation(operation, done(f"agent {self._agent} is empty")))
        if drain.ends:
            self.is_leaving = True
            self._order(LeaveCluster())
        elif drain.operations:
            self.drain = replace(drain, operations=())

    def _begin(self, cause: str, drain: Drain) -> None:
        self.drain = drain
        self._order(EmitEvent(AgentDraining(self._agent, cause)))
