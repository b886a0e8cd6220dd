"""The one queue: what is urgent at once, the rest when it is quiet, and a mistake costs no more than itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from autohealer.core import actions, events, notices
from autohealer.core.actions import Action
from autohealer.core.events import Event
from autohealer.core.pool.supervisor import Supervisor
from autohealer.runtime import inbox as module
from autohealer.runtime.inbox import Inbox

SPAWN = actions.SpawnWorker("w", 0, 0, 1, 1)
REMOVE = actions.RemoveRegistration("w")


class Mistake(Exception):  # noqa: N818 - it stands for any
    """Ours."""


@dataclass
class Script:
    """Stands for the supervisor and for what it orders: says what was asked for, and notes down what was done."""

    answers: dict[type[Event], list[Action]] = field(default_factory=dict)
    deadline: float | None = None
    done: list[object] = field(default_factory=list)
    handled: list[Event] = field(default_factory=list)
    following: list[list[Action]] = field(default_factory=list)
    conclusions: list[list[Action]] = field(default_factory=list)
    before_conclusion: list[list[object]] = field(default_factory=list)
    on_perform: Callable[[Action], None] = lambda _: None
    recorded: list[tuple[list[Action], bool]] = field(default_factory=list)
    wants_checkpoint: bool = False

    def react(self, event: Event) -> list[Action]:
        self.handled.append(event)
        if isinstance(event, events.DeadlineReached):
            self.deadline = None
        if isinstance(event, events.KillRequested):
            raise Mistake
        return list(self.answers.get(type(event), []))

    def follow(self, now: float) -> list[Action]:
        assert now > 0
        return self.following.pop(0) if self.following else []

    def conclude(self, now: float) -> list[Action]:
        assert now > 0
        self.before_conclusion.append(list(self.done))
        return self.conclusions.pop(0) if self.conclusions else []

    def next_deadline(self) -> float | None:
        return self.deadline

    def perform(self, action: Action, at: float) -> None:
        self.done.append(action)
        assert at > 0
        self.on_perform(action)

    def settle(self) -> None:
        self.done.append("settled")

    def record(self, _: Event, decided: Sequence[Action], *, is_concluded: bool) -> None:
        self.recorded.append((list(decided), is_concluded))

    def checkpoint(self, at: float) -> None:
        raise AssertionError(at)


@dataclass
class Bench:
    loop: asyncio.AbstractEventLoop
    script: Script
    inbox: Inbox
    mistakes: list[object]

    def until(self, condition: Callable[[], bool]) -> None:
        """Run the loop until then."""
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, self.script.done
            self.loop.run_until_complete(asyncio.sleep(0))

    def until_settled(self) -> None:
        self.until(lambda: "settled" in self.script.done)


@pytest.fixture
def bench() -> Iterator[Bench]:
    loop = asyncio.new_event_loop()
    mistakes: list[object] = []
    loop.set_exception_handler(lambda _, context: mistakes.append(context["exception"]))
    script = Script()
    yield Bench(loop, script, Inbox(loop, cast(Supervisor, script), script, script), mistakes)
    loop.close()


def now(kind: type[Event], *fields: object) -> Event:
    return kind(time.monotonic(), *fields)


def test_what_is_urgent_is_done_before_post_returns(bench: Bench) -> None:
    """The rest comes later, in order, and is settled once."""
    other = actions.WatchRegistration("w")
    bench.script.answers = {events.ConnectionResumed: [REMOVE, SPAWN, other]}
    bench.inbox.post(now(events.ConnectionResumed))
    assert bench.script.done == [SPAWN]
    bench.until_settled()
    assert bench.script.done == [SPAWN, REMOVE, other, "settled"]


def test_what_is_urgent_does_not_wait_for_the_rest_of_the_decision(bench: Bench) -> None:
    bench.script.answers = {events.ConnectionResumed: [SPAWN]}
    bench.script.conclusions = [[REMOVE]]
    bench.inbox.post(now(events.ConnectionResumed))
    assert bench.script.before_conclusion == [[SPAWN]]
    bench.until_settled()
    assert bench.script.done == [SPAWN, REMOVE, "settled"]


def test_what_belongs_to_an_event_is_decided_before_the_event_that_its_orders_lead_to(bench: Bench) -> None:
    """A death is told before the start of the replacement is."""
    ready = actions.EmitEvent(notices.WorkerReady("w", 1, 0))
    bench.script.answers = {events.ConnectionResumed: [SPAWN], events.WorkerSpawned: [ready]}
    bench.script.following = [[REMOVE]]
    bench.script.on_perform = lambda order: (
        bench.inbox.post(now(events.WorkerSpawned, "w", 1, "")) if order is SPAWN else None
    )
    bench.inbox.post(now(events.ConnectionResumed))
    bench.until_settled()
    assert bench.script.done == [SPAWN, REMOVE, ready, "settled"]


def test_of_several_events_all_is_taken_in_and_then_concluded_once(bench: Bench) -> None:
    """So that a storm of deaths costs one conclusion, and each step can be run again."""
    bench.script.answers = {events.ConnectionResumed: [SPAWN]}
    bench.script.conclusions = [[REMOVE]]
    for _ in range(3):
        bench.inbox.put(now(events.ConnectionResumed))
    assert not bench.script.done
    bench.inbox.run()
    bench.until_settled()
    assert bench.script.before_conclusion == [[SPAWN, SPAWN, SPAWN]]
    assert bench.script.done == [SPAWN, SPAWN, SPAWN, REMOVE, "settled"]
    assert bench.script.recorded == [([SPAWN], False), ([SPAWN], False), ([SPAWN, REMOVE], True)]


def test_many_starts_are_done_in_slices_though_each_of_them_is_an_event(bench: Bench) -> None:
    """The loop hears of the next death in between."""
    bench.script.answers = {events.ConnectionResumed: [SPAWN] * 8}

    def spawned(_: Action) -> None:
        until = time.monotonic() + module.SLICE_S
        while time.monotonic() < until:
            pass
        bench.inbox.post(now(events.WorkerSpawned, "w", 1, ""))

    bench.script.on_perform = spawned
    bench.inbox.post(now(events.ConnectionResumed))
    assert 1 <= bench.script.done.count(SPAWN) <= 2
    bench.until(lambda: bench.script.done.count(SPAWN) == 8)


def test_a_mistake_in_an_urgent_order_leaves_no_event_half_decided(bench: Bench) -> None:
    bench.script.answers = {events.ConnectionResumed: [SPAWN]}
    bench.script.conclusions = [[REMOVE]]
    bench.script.on_perform = _fail_at_spawn
    with pytest.raises(Mistake):
        bench.inbox.post(now(events.ConnectionResumed))
    bench.until_settled()
    assert bench.script.done == [SPAWN, REMOVE, "settled"]


def _fail_at_spawn(action: Action) -> None:
    if action is SPAWN:
        raise Mistake


def test_an_event_that_comes_of_an_urgent_order_is_heard_before_the_next_one(bench: Bench) -> None:
    """So that the supervisor never decides on what is out of date."""
    bench.script.answers = {events.ConnectionResumed: [SPAWN, SPAWN]}
    heard: list[int] = []

    def spawned(_: Action) -> None:
        heard.append(len(bench.script.handled))
        bench.inbox.post(now(events.WorkerSpawned, "w", 1, ""))

    bench.script.on_perform = spawned
    bench.inbox.post(now(events.ConnectionResumed))
    assert heard == [1, 2]
    assert [type(event) for event in bench.script.handled] == [
        events.ConnectionResumed,
        events.WorkerSpawned,
        events.WorkerSpawned,
    ]


def test_what_can_wait_waits_for_quiet(bench: Bench) -> None:
    """While deaths come in, one upon the other, ZooKeeper and people are not told; nor for ever kept waiting."""
    bench.script.answers = {events.ConnectionResumed: [REMOVE, SPAWN]}
    begun = last = time.monotonic()
    longest_quiet = 0.0
    while REMOVE not in bench.script.done:
        bench.inbox.post(now(events.ConnectionResumed))
        bench.loop.run_until_complete(asyncio.sleep(0))
        longest_quiet, last = max(longest_quiet, time.monotonic() - last), time.monotonic()
    # On a busy machine it may have been quiet for once.
    assert last - begun >= module.PATIENCE_S or longest_quiet >= module.QUIET_S
    assert last - begun < 40 * module.PATIENCE_S


def test_a_deadline_is_met(bench: Bench) -> None:
    """One timer, set to the next one."""
    bench.script.deadline = time.monotonic() + 0.02
    bench.inbox.post(now(events.ConnectionResumed))
    bench.until(lambda: len(bench.script.handled) == 2)
    (_, reached) = bench.script.handled
    assert isinstance(reached, events.DeadlineReached)


def test_an_earlier_deadline_takes_the_place_of_a_later_one(bench: Bench) -> None:
    """And none is met twice."""
    bench.script.deadline = time.monotonic() + 1000
    bench.inbox.post(now(events.ConnectionResumed))
    bench.script.deadline = time.monotonic() + 0.01
    bench.inbox.post(now(events.ConnectionResumed))
    bench.until(lambda: len(bench.script.handled) == 3)
    assert isinstance(bench.script.handled[-1], events.DeadlineReached)


def test_a_mistake_in_an_order_that_can_wait(bench: Bench) -> None:
    """It is told; what was ordered after it is done, and so is what is ordered later."""
    other = actions.WatchRegistration("w")
    bench.script.answers = {events.ConnectionResumed: [REMOVE, other], events.ConnectionSuspended: [SPAWN, other]}

    def fail(action: Action) -> None:
        if action is REMOVE:
            raise Mistake

    bench.script.on_perform = fail
    bench.inbox.post(now(events.ConnectionResumed))
    bench.until_settled()
    assert bench.script.done == [REMOVE, other, "settled"]
    assert [type(mistake) for mistake in bench.mistakes] == [Mistake]
    bench.inbox.post(now(events.ConnectionSuspended))
    bench.until(lambda: bench.script.done.count("settled") == 2)
    assert bench.script.done[-3:] == [SPAWN, other, "settled"]


def test_a_mistake_in_an_urgent_order(bench: Bench) -> None:
    """The next urgent one is done all the same."""
    first = actions.SpawnWorker("first", 0, 0, 1, 1)
    bench.script.answers = {events.ConnectionResumed: [first, SPAWN, REMOVE]}

    def fail(action: Action) -> None:
        if action is first:
            raise Mistake

    bench.script.on_perform = fail
    with pytest.raises(Mistake):
        bench.inbox.post(now(events.ConnectionResumed))
    bench.until_settled()
    assert bench.script.done == [first, SPAWN, REMOVE, "settled"]


def test_a_mistake_in_a_decision(bench: Bench) -> None:
    """Events behind it are handled, deadlines are met; not in a hurry, for they may be what is wrong."""
    bench.script.deadline = time.monotonic() - 1
    with pytest.raises(Mistake):
        bench.inbox.post(now(events.KillRequested))
    failed = time.monotonic()
    bench.until(lambda: len(bench.script.handled) == 2)
    assert time.monotonic() - failed >= module.AFTER_MISTAKE_S * 0.9
