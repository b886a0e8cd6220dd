"""The timetable of probes, in virtual time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from autohealer.processes.probes.life import ProbeAnswer, ProbedLife
from autohealer.processes.probes.pressure import is_high
from autohealer.processes.probes.prober import Prober, Timing

GOOD, BAD = ProbeAnswer(ok=True), ProbeAnswer(ok=False, detail="bad")


class Timer:
    """What call_at gives."""

    def __init__(self, act: Callable[..., object], args: tuple[object, ...]) -> None:
        self.act, self.args, self.is_cancelled = act, args, False

    def cancel(self) -> None:
        """It will not come."""
        self.is_cancelled = True

    def cancelled(self) -> bool:
        """Whether it will not come."""
        return self.is_cancelled


class Loop:
    """Timers alone. ``lag_s``: how long the loop is away when it should wake next."""

    def __init__(self) -> None:
        self.now, self.lag_s = 1000.0, 0.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        """Virtual."""
        return self.now

    def call_at(self, when: float, act: Callable[..., object], *args: object) -> Timer:
        """As the loop's."""
        timer = Timer(act, args)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def call_later(self, delay: float, act: Callable[..., object], *args: object) -> Timer:
        """As the loop's."""
        return self.call_at(self.now + delay, act, *args)

    def run(self, for_s: float) -> None:
        """Let this much time pass."""
        until = self.now + for_s
        while self._timers and self._timers[0][0] <= until:
            when, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, when + self.lag_s)
            if not timer.is_cancelled:
                timer.act(*timer.args)
        self.now = max(self.now, until)


class Attempt:
    """Under way until somebody answers."""

    def __init__(self, began: float | None, done: Callable[[ProbeAnswer], None]) -> None:
        self.began, self.done, self.is_cancelled = began, done, False
        self.says: ProbeAnswer | None = None

    def cancel(self) -> ProbeAnswer | None:
        """Given up."""
        self.is_cancelled = True
        return self.says


class FakeProbe:
    """Answers at once with ``answer``; None: not by itself."""

    name = "fake"

    def __init__(self, loop: Loop, answer: ProbeAnswer | None) -> None:
        self.loop, self.answer, self.waits = loop, answer, False
        self.asked: list[float] = []
        self.attempts: list[Attempt] = []

    def begin(self, life: ProbedLife, done: Callable[[ProbeAnswer], None]) -> Attempt:
        """See `Probe`."""
        assert all(attempt.is_cancelled or attempt.says for attempt in self.attempts), "two at once"
        self.asked.append(self.loop.now)
        attempt = Attempt(None if self.waits else self.loop.now, done)
        if self.answer is not None:
            done(self.answer)
        else:
            self.attempts.append(attempt)
        return attempt


class Bench:
    """One worker, one probe."""

    def __init__(self, answer: ProbeAnswer | None, timing: Timing = Timing(), *, pressure: bool = False) -> None:  # noqa: B008 - it is frozen
        self.loop = Loop()
        self.told: list[tuple[str, str, ProbeAnswer, float]] = []
        self.probe = FakeProbe(self.loop, answer)
        any_loop: Any = self.loop
        self.prober = Prober(any_loop, [self.probe], timing, lambda *told: self.told.append(told), lambda: pressure)
        self.prober.start(ProbedLife("w", 1, 0, None))

    def gaps(self) -> list[float]:
        """Between questions."""
        return [later - earlier for earlier, later in itertools.pairwise(self.probe.asked)]


def test_until_the_first_success_it_is_asked_more_often() -> None:
    """From a quarter of a second up to the interval, and then not more seldom."""
    bench = Bench(BAD)
    bench.loop.run(100)
    gaps = bench.gaps()

    assert bench.probe.asked[0] - 1000 <= 0.25
    assert gaps[0] == pytest.approx(0.25)
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(10)
    assert bench.told[0] == ("w", "fake", BAD, 1.0)


def test_after_it_once_an_interval_whatever_comes_of_it() -> None:
    """Beginning at a random point, so that workers that were started together are not asked together."""
    firsts = set()
    for _ in range(20):
        bench = Bench(GOOD)
        bench.loop.run(25)
        bench.probe.answer = BAD
        bench.loop.run(100)
        gaps = bench.gaps()
        firsts.add(gaps[0])
        assert 0 <= gaps[0] <= 10
        assert all(gap == pytest.approx(10) for gap in gaps[1:])
    assert max(firsts) - min(firsts) > 1


def test_no_answer_in_time_is_a_failure() -> None:
    """And says so; the next question keeps to the rhythm."""
    bench = Bench(None)
    bench.loop.run(3)

    assert bench.probe.attempts[0].is_cancelled
    assert bench.told[0] == ("w", "fake", ProbeAnswer(ok=False, detail="no answer within 2 s", timed_out=True), 1.0)
    assert len(bench.probe.asked) == 2


def test_a_timeout_under_pressure_weighs_half() -> None:
    """A refusal does not: that is no matter of CPU time."""
    slow, refused = Bench(None, pressure=True), Bench(BAD, pressure=True)
    slow.loop.run(3)
    refused.loop.run(3)

    assert slow.told[0][3] == 0.5
    assert refused.told[0][3] == 1.0


def test_what_comes_late_because_we_were_late_counts_for_nothing() -> None:
    """The agent was frozen: neither a timeout nor a broken connection says anything of the worker."""
    for answer in (None, BAD, GOOD):
        bench = Bench(None)
        bench.loop.run(1)
        (attempt,) = bench.probe.attempts
        attempt.says = answer
        bench.loop.now += 60
        if answer is not None:
            attempt.done(answer)
        bench.loop.run(0.01)

        assert [told[2] for told in bench.told] == ([GOOD] if answer is GOOD else [])


def test_what_can_be_said_nevertheless_counts() -> None:
    """A server that has answered and keeps the connection open."""
    bench = Bench(None)
    bench.loop.run(1)
    bench.probe.attempts[0].says = GOOD
    bench.loop.run(2)

    assert bench.told[0][2] == GOOD


def test_who_waits_for_a_turn_is_not_timed() -> None:
    """A probe that has not begun cannot have failed."""
    bench = Bench(None)
    bench.probe.waits = True
    bench.loop.run(20)
    assert (bench.told, len(bench.probe.asked)) == ([], 1)

    (attempt,) = bench.probe.attempts
    attempt.began = bench.loop.now
    bench.loop.run(1.9)
    assert bench.told == []
    bench.loop.run(0.2)
    assert len(bench.told) == 1


def test_nothing_is_told_of_who_is_looked_at_no_more() -> None:
    """What is under way is ended."""
    bench = Bench(None)
    bench.loop.run(1)
    bench.prober.stop("w")
    bench.loop.run(100)

    assert bench.probe.attempts[0].is_cancelled
    assert (bench.told, len(bench.probe.asked)) == ([], 1)


def test_a_verdict_may_end_it_in_the_middle() -> None:
    """Whoever is told may say at once that it is enough."""
    bench = Bench(BAD)
    bench.prober._tell = lambda *_: bench.prober.stop("w")
    bench.loop.run(100)

    assert len(bench.probe.asked) == 1


def test_an_interval_shorter_than_the_answer_takes() -> None:
    """Never two at once, and never a loop that does nothing else."""
    bench = Bench(None, Timing(0.1, 2.0))
    bench.loop.run(20)

    assert 9 <= len(bench.probe.asked) <= 11


@pytest.mark.parametrize(
    ("text", "high"),
    [
        ("some avg10=72.31 avg60=50.00 avg300=9.00 total=1\nfull avg10=0.00 total=0\n", True),
        ("some avg10=3.00 avg60=99.00 avg300=99.00 total=1\n", False),
        ("some avg10=x\n", False),
        ("", False),
        (None, False),
    ],
)
def test_pressure(tmp_path: object, text: str | None, high: bool) -> None:
    """As the kernel tells it; where it does not, there is none."""
    path = f"{tmp_path}/cpu"
    if text is not None:
        with open(path, "w") as file:
            file.write(text)

    assert is_high(path) is high
