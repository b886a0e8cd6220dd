"""The one sampler of a process looks while somebody does, and as seldom as can be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import pytest

from autohealer.core.pool.snapshot import SAMPLE_LASTS_S
from autohealer.processes import stats
from autohealer.processes.stats import Measured
from autohealer.runtime import sampler
from autohealer.runtime.sampler import WATCHED_EVERY_S, WATCHED_FOR_S, Sampler, Sampling
from tests.processes.test_prober import Loop

SEEN = Measured(1.0, 4096, "S", traced=False)


class Bench:
    """Virtual time, and processes that are there if they have a pid below 100."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = Loop()
        any_loop: Any = self.loop
        self.sampler = Sampler(any_loop)
        self.seen = SEEN
        self.looks: list[tuple[float, list[int], bool]] = []
        monkeypatch.setattr(stats, "measure", self._measure)

    def _measure(self, pids: list[int], *, tree: bool) -> dict[int, Measured]:
        self.looks.append((self.loop.now, sorted(pids), tree))
        return {pid: self.seen for pid in pids if pid < 100}

    def open(self, taken: list[Mapping[str, Measured]], **how: Any) -> Sampling:
        """A pool."""
        return self.sampler.open(taken.append, **{"tree": True, "every_s": None, **how})


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """No pool yet."""
    return Bench(monkeypatch)


def test_nobody_asks(bench: Bench) -> None:
    """Then nothing is measured, whoever runs."""
    taken: list[Mapping[str, Measured]] = []
    bench.open(taken).add("w", 1)
    bench.loop.run(1000)

    assert bench.looks == []


def test_a_limit_asks(bench: Bench) -> None:
    """Every so often, of all that are there at that time."""
    taken: list[Mapping[str, Measured]] = []
    pool = bench.open(taken, every_s=5.0)
    bench.loop.run(100)
    assert bench.looks == []
    pool.add("a", 1)
    pool.add("gone", 100)
    bench.loop.run(12)
    pool.remove("a")
    pool.add("b", 2)
    bench.loop.run(5)

    assert [at - 1100 for at, _, _ in bench.looks] == pytest.approx([5, 10, 15])
    assert taken == [{"a": SEEN}, {"a": SEEN}, {"b": SEEN}]


def test_somebody_looks(bench: Bench) -> None:
    """At once, and for a while; whoever goes on looking says so again and again."""
    taken: list[Mapping[str, Measured]] = []
    pool = bench.open(taken)
    pool.add("a", 1)
    for _ in range(40):
        pool.watch()
        bench.loop.run(0.25)
    while_looked_at = len(taken)
    bench.loop.run(1000)

    assert bench.looks[0][0] == pytest.approx(1000, abs=0.3)
    assert while_looked_at == pytest.approx(10 / WATCHED_EVERY_S, abs=1)
    assert len(taken) - while_looked_at <= WATCHED_FOR_S / WATCHED_EVERY_S + 1


@pytest.mark.parametrize(("workers", "every_s"), [(250, 2.0), (1000, 8.0), (100_000, 10.0)])
def test_of_many_each_is_measured_less_often(bench: Bench, workers: int, every_s: float) -> None:
    """Who looks at a thousand is not to keep the agent busy; what a row shows is still of now."""
    pool = bench.open([])
    pool.pids.update({f"w{number}": number for number in range(workers)})
    for _ in range(240):
        pool.watch()
        bench.loop.run(0.25)

    assert len(bench.looks) == pytest.approx(60 / every_s, abs=1)
    assert every_s < SAMPLE_LASTS_S


def test_pools_are_measured_together(bench: Bench) -> None:
    """One walk for all that want trees, and one look for the others."""
    taken: list[Mapping[str, Measured]] = []
    for number, tree in enumerate((True, True, False)):
        bench.open(taken, tree=tree, every_s=5.0).add(f"w{number}", number + 1)
    bench.loop.run(6)

    assert [(pids, tree) for _, pids, tree in bench.looks] == [([3], False), ([1, 2], True)]
    assert len(taken) == 3


def test_a_pool_that_is_gone_is_not_asked_about(bench: Bench) -> None:
    """Nor does it keep the sampler awake."""
    taken: list[Mapping[str, Measured]] = []
    pool = bench.open(taken, every_s=1.0)
    pool.add("a", 1)
    bench.sampler.close(pool)
    bench.loop.run(10)

    assert (bench.looks, taken) == ([], [])


def test_who_was_frozen_says_nothing_of_that_time(bench: Bench) -> None:
    """It looks again, and goes on from there."""
    taken: list[Mapping[str, Measured]] = []
    bench.open(taken, every_s=5.0).add("a", 1)
    bench.loop.run(4)
    bench.loop.now += 60
    bench.loop.run(1)
    assert taken == []
    bench.loop.run(5)

    assert len(taken) == 1


def test_only_who_is_stopped_is_worth_a_measurement(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no child is, nothing is read; when one is, and once more when it goes on, all are measured."""
    taken: list[Mapping[str, Measured]] = []
    bench.open(taken, every_s=5.0, only_stopped=True).add("a", 1)
    bench.loop.run(26)
    assert (bench.looks, taken) == ([], [])

    monkeypatch.setattr(bench, "seen", SEEN._replace(state="T"))
    monkeypatch.setattr(sampler, "is_child_stopped", lambda: True)
    bench.loop.run(10)
    assert [found["a"].state for found in taken] == ["T", "T"]

    monkeypatch.setattr(bench, "seen", SEEN)
    monkeypatch.setattr(sampler, "is_child_stopped", lambda: False)
    bench.loop.run(30)
    assert [found["a"].state for found in taken] == ["T", "T", "S"]


def test_who_is_no_child_is_looked_at_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tells of the stops of children alone."""
    taken: list[Mapping[str, Measured]] = []
    stopped: set[int] = set()
    monkeypatch.setattr(sampler, "is_stopped", stopped.__contains__)
    pool = bench.open(taken, every_s=5.0, only_stopped=True)
    pool.add("adopted", 2, is_child=False)
    bench.loop.run(11)
    assert taken == []
    stopped.add(2)
    bench.loop.run(5)
    assert taken == [{"adopted": SEEN}]
    pool.remove("adopted")
    pool.add("a", 1)
    bench.loop.run(10)

    assert len(taken) == 1


def test_who_asks_once_is_told_at_once(bench: Bench) -> None:
    """And not again a moment later; nobody goes on measuring."""
    taken: list[Mapping[str, Measured]] = []
    pool = bench.open(taken)
    pool.refresh()
    assert taken == []
    pool.add("a", 1)
    pool.refresh()
    pool.refresh()
    assert taken == [{"a": SEEN}]
    bench.loop.run(100)
    pool.refresh()

    assert len(bench.looks) == 2


def test_with_a_real_loop() -> None:
    """Of this very process."""
    taken: list[Mapping[str, Measured]] = []

    async def story() -> None:
        seen = asyncio.Event()

        def take(found: Mapping[str, Measured]) -> None:
            taken.append(found)
            seen.set()

        sampler = Sampler(asyncio.get_running_loop())
        sampler.open(take, tree=False, every_s=0.01).add("me", os.getpid())
        await seen.wait()

    asyncio.run(asyncio.wait_for(story(), 20))
    assert list(taken[0]) == ["me"]
