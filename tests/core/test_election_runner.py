"""A candidate's decisions, in a world where anything happens: the command never runs beyond what is proven."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from autohealer.core.cluster.election_runner import (
    Announce,
    Candidacy,
    GuardCommand,
    KillCommand,
    Leave,
    Order,
    Prove,
    StartCommand,
)

T = 6.0
STOP_TIMEOUT = 3.0
LONG_STOP_TIMEOUT = 20.0
STEPS = st.floats(0.01, T)


class World(RuleBasedStateMachine):
    """A server, a watchdog and a command around one candidacy, in virtual time.

    The watchdog acts by itself, also while the candidate is frozen. The server may end the session once it has
    heard nothing for as long as the timeout.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.candidacy = Candidacy(has_command=True, stop_timeout=LONG_STOP_TIMEOUT)
        self.connected = False
        self.answers = True
        self.epoch: int | None = None
        self.epochs = 0
        self.heard = -math.inf
        self.asked: list[tuple[int, float]] = []
        self.guarding = self.alive = self.stubborn = self.elected = False
        self.until: GuardCommand | None = None
        self.is_clear = True
        self.news: list[tuple[str, float]] = []
        self.left: Leave | None = None
        self.stops = 0

    # ---- what the world does

    def pass_time(self, until: float) -> None:
        """Up to then, with the watchdog doing what it was told on the way."""
        if self.guarding and self.until is not None:
            if until >= self.until.stop_at and self.alive and not self.stubborn:
                self.die(max(self.now, self.until.stop_at))
            if until >= self.until.kill_at and self.alive:
                self.die(max(self.now, self.until.kill_at))
            if until >= self.until.stop_at and not self.alive and not self.is_clear:
                self.is_clear = True
                self.news.append(("clear", until))
        self.now = max(self.now, until)

    def die(self, at: float) -> None:
        # The one thing that counts: as long as it lived, the server could not have given its place to another.
        assert at < self.heard + T
        self.alive = False
        self.news.append(("exit", at))

    def step(self) -> None:
        """The candidate is awake: it hears the news, and does what follows until there is nothing more to do."""
        if self.left is not None:
            return
        news, self.news = self.news, []
        for what, _ in news:
            if what == "exit":
                self.candidacy.exited(self.now, 1)
            else:
                self.candidacy.cleared()
        for order in self.candidacy.orders(self.now):
            self.perform(order)
        while self.answers and self.asked:
            self.answer()

    def perform(self, order: Order) -> None:
        match order:
            case Prove(epoch):
                assert self.connected
                self.asked.append((epoch, self.now))
            case GuardCommand():
                self.until, self.is_clear = order, False
                self.pass_time(self.now)
            case StartCommand(epoch):
                assert epoch == self.epoch
                assert self.guarding
                assert not self.alive
                assert self.until is not None
                assert self.now < self.until.stop_at < self.until.kill_at < self.heard + T
                self.alive = True
            case KillCommand():
                assert not self.guarding
                if self.alive:
                    self.die(self.now)
            case Announce(elected):
                assert elected != self.elected
                self.elected = elected
            case Leave():
                assert not (order.clean and self.alive)
                self.left = order

    # ---- rules

    @initialize()
    def lead(self) -> None:
        self.guard()
        self.connect()
        self.win()
        assert self.alive

    @rule(seconds=STEPS)
    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        for _ in range(1000):
            self.step()
            deadline = self.candidacy.next_deadline() if self.left is None else None
            moments = [moment for moment in (deadline, *self.watchdogs_moments()) if moment is not None]
            at = min((moment for moment in moments if moment > self.now), default=end)
            if self.left is not None or (at >= end and not self.news):
                break
            self.pass_time(min(at, end))
        else:
            pytest.fail("it never rests")
        self.pass_time(end)
        self.step()

    def watchdogs_moments(self) -> tuple[float, ...]:
        return () if self.until is None or not self.guarding else (self.until.stop_at, self.until.kill_at)

    @precondition(lambda self: self.guarding)
    @rule(seconds=STEPS)
    def freeze(self, seconds: float) -> None:
        self.pass_time(self.now + seconds)

    @precondition(lambda self: not self.connected)
    @rule()
    def connect(self) -> None:
        if self.epoch is not None and self.now >= self.heard + T:
            self.epoch = None
            self.candidacy.lost()
            self.step()
        self.connected = True
        self.candidacy.connected(T)
        self.step()

    @precondition(lambda self: self.connected)
    @rule()
    def disconnect(self) -> None:
        self.connected = False
        self.asked.clear()
        self.candidacy.disconnected()
        self.step()

    @precondition(lambda self: self.connected and self.epoch is None)
    @rule()
    def win(self) -> None:
        self.epochs += 1
        self.epoch, self.heard = self.epochs, self.now
        self.candidacy.won(self.epochs)
        self.step()

    @rule()
    def change_the_servers_mind(self) -> None:
        """Does it answer from now on?"""
        self.answers = not self.answers

    @precondition(lambda self: self.asked and self.connected)
    @rule()
    def answer(self) -> None:
        epoch, at = self.asked.pop(0)
        if epoch == self.epoch and self.now < self.heard + T:
            self.heard = max(self.heard, at)  # and not a moment later than it was sent
            self.candidacy.proven(epoch, at)
            self.step()

    @precondition(lambda self: not self.guarding)
    @rule()
    def guard(self) -> None:
        self.guarding = True
        self.candidacy.guarded(True)
        self.pass_time(self.now)
        self.step()

    @precondition(lambda self: self.guarding)
    @rule()
    def lose_watchdog(self) -> None:
        self.guarding = False
        self.candidacy.guarded(False)
        self.step()

    @precondition(lambda self: not self.guarding)
    @rule()
    def cannot_have_a_watchdog(self) -> None:
        self.candidacy.unguardable(self.now)
        self.step()

    @precondition(lambda self: self.alive)
    @rule()
    def exit(self) -> None:
        self.die(self.now)
        self.step()

    @rule()
    def harden(self) -> None:
        self.stubborn = not self.stubborn

    @rule()
    def stop(self) -> None:
        self.stops += 1
        self.candidacy.stop(self.now)
        self.step()

    @invariant()
    def it_never_runs_beyond_the_session(self) -> None:
        assert not self.alive or self.now < self.heard + T

    @invariant()
    def who_is_told_to_stop_does_so(self) -> None:
        if self.stops == 0:
            return
        if self.left is None and self.guarding and not self.news:
            assert self.alive or not self.is_clear

    def teardown(self) -> None:
        """Liveness: told to stop, with a watchdog and a server, it leaves, and leaves nothing."""
        if not self.guarding:
            self.guard()
        self.stop()
        self.wait(LONG_STOP_TIMEOUT + T)
        assert self.left is not None
        assert not self.alive


World.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestWorld = World.TestCase


# ---- stories


class Story:
    """A candidacy whose orders are collected."""

    def __init__(self, *, has_command: bool = True) -> None:
        self.candidacy = Candidacy(has_command=has_command, stop_timeout=STOP_TIMEOUT)

    def orders(self, now: float) -> list[Order]:
        return list(self.candidacy.orders(now))

    def lead(self, now: float) -> None:
        """Connected, guarded, elected, proven, running."""
        self.candidacy.guarded(True)
        self.candidacy.connected(T)
        self.candidacy.won(7)
        assert self.orders(now) == [Prove(7)]
        self.candidacy.proven(7, now)


def test_the_command_starts_once_leadership_is_proven_and_guarded() -> None:
    story = Story()
    story.lead(10)

    assert story.orders(10) == [Announce(elected=True), GuardCommand(14, 14.5), StartCommand(7)]
    assert story.orders(10.5) == []


def test_without_a_watchdog_it_waits() -> None:
    story = Story()
    story.lead(10)
    story.candidacy.guarded(False)

    assert story.orders(10) == [Announce(elected=True)]
    story.candidacy.guarded(True)
    assert story.orders(10) == [GuardCommand(14, 14.5), StartCommand(7)]


def test_each_proof_extends_what_the_watchdog_knows() -> None:
    story = Story()
    story.lead(10)
    story.orders(10)

    assert story.orders(11) == [Prove(7)]
    story.candidacy.proven(7, 11)
    assert story.orders(11.2) == [GuardCommand(15, 15.5)]


def test_the_code_of_a_command_that_ends_is_passed_on_when_nothing_is_left() -> None:
    story = Story()
    story.lead(10)
    story.orders(10)
    story.candidacy.exited(10.5, 3)

    assert story.orders(10.5) == [GuardCommand(10.5, 13.5)]
    story.candidacy.cleared()
    assert story.orders(10.6) == [Announce(elected=False), Leave(3, clean=True)]


def test_a_command_that_the_end_of_authority_has_ended_is_no_reason_to_leave() -> None:
    story = Story()
    story.lead(10)
    story.orders(10)
    story.candidacy.disconnected()

    assert story.orders(14) == [Announce(elected=False)]  # the watchdog knows
    story.candidacy.exited(14.1, 143)
    story.candidacy.cleared()
    assert story.orders(14.2) == []
    story.candidacy.connected(T)
    assert story.orders(15) == [Prove(7)]
    story.candidacy.proven(7, 15)
    assert story.orders(15) == [Announce(elected=True), GuardCommand(19, 19.5), StartCommand(7)]


def test_where_the_node_is_gone_nobody_waits() -> None:
    story = Story()
    story.lead(10)
    story.orders(10)
    story.candidacy.lost()

    assert story.orders(11) == [Announce(elected=False), GuardCommand(11, 11)]


def test_told_to_stop_the_command_has_its_time_as_long_as_authority_grows() -> None:
    story = Story()
    story.lead(10)
    story.orders(10)
    story.candidacy.stop(12)

    assert story.orders(12) == [Prove(7), GuardCommand(12, 14.5)]
    story.candidacy.proven(7, 12)
    assert story.orders(12.1) == [GuardCommand(12, 15)]
    story.candidacy.exited(12.5, 143)
    story.candidacy.cleared()
    assert story.orders(12.5) == [Announce(elected=False), Leave(0, clean=True)]


def test_told_twice_it_ends_at_once_and_waits_no_longer_than_a_second() -> None:
    story = Story()
    story.lead(10)
    story.orders(10)
    story.candidacy.stop(10)
    story.orders(10)
    story.candidacy.stop(10.2)

    assert story.orders(10.2) == [GuardCommand(10, 10.2)]
    assert story.candidacy.next_deadline() == 11
    assert story.orders(11.2) == [Prove(7), Announce(elected=False), Leave(130, clean=False)]


def test_without_a_command_it_only_says_who_leads() -> None:
    story = Story(has_command=False)
    story.lead(10)

    assert story.orders(10) == [Announce(elected=True)]
    assert story.orders(14) == [Prove(7), Announce(elected=False)]
    story.candidacy.stop(14)
    assert story.orders(14) == [Leave(0, clean=True)]


def ready_to_lead(epoch: int = 1) -> Candidacy:
    """Elected, proven and guarded at 100.0: its command is being started."""
    candidacy = Candidacy(has_command=True, stop_timeout=STOP_TIMEOUT)
    candidacy.connected(T)
    candidacy.won(epoch)
    candidacy.guarded(True)
    list(candidacy.orders(100.0))
    return candidacy


def test_a_win_that_is_told_twice_keeps_what_was_proven() -> None:
    candidacy = ready_to_lead()
    candidacy.proven(1, 100.0)
    candidacy.won(1)

    assert any(isinstance(order, StartCommand) for order in candidacy.orders(100.5))


def test_an_answer_to_what_was_asked_in_a_former_candidacy_proves_nothing() -> None:
    candidacy = ready_to_lead(epoch=2)
    candidacy.proven(1, 100.0)
    assert not any(isinstance(order, StartCommand) for order in candidacy.orders(100.5))

    candidacy.proven(2, 100.0)
    assert any(isinstance(order, StartCommand) for order in candidacy.orders(100.5))


def test_nothing_is_ordered_after_the_end() -> None:
    candidacy = Candidacy(has_command=False, stop_timeout=STOP_TIMEOUT)
    candidacy.connected(T)
    candidacy.stop(100.0)
    assert [order.code for order in candidacy.orders(100.0) if isinstance(order, Leave)] == [0]
    candidacy.won(1)

    assert list(candidacy.orders(101.0)) == []
