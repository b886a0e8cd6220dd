"""What is asked by keys, carried out one after the other in a thread that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from autohealer.coordination.admin.pool_client import PoolClient
from autohealer.errors import UnreachableError
from autohealer.runtime.errands import Errands
from autohealer.views.controls import Kill, Order, Restart, Scale
from tests.support.processes import eventually


class Pool:
    """A console that writes down what it is asked; ``gate`` holds it up."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.said: list[str] = []
        self.connections = 0
        self.gate = threading.Event()
        self.gate.set()
        self.is_away = False

    def connect(self) -> PoolClient:
        self.connections += 1
        if self.is_away:
            raise UnreachableError("ZooKeeper does not answer", "check --zk")
        return cast("PoolClient", self)

    def scale(self, workers: int) -> None:
        self.gate.wait()
        if self.is_away:
            raise UnreachableError("ZooKeeper does not answer", "check --zk")
        self.asked.append(("scale", workers))

    def agents(self) -> dict[str, None]:
        return {"a": None, "b": None}

    def request(self, verb: str, subject: str, expires: float) -> str:
        assert expires > 0
        self.asked.append((verb, subject))
        return "request"

    def close(self) -> None:
        self.asked.append(("close",))


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def give(pool: Pool) -> Callable[..., Errands]:
    errands = Errands(pool.connect, pool.said.append)

    def given(*orders: Order) -> Errands:
        for order in orders:
            errands.give(order)
        return errands

    return given


def test_each_order_is_carried_out(pool: Pool, give: Callable[..., Errands]) -> None:
    """In order, in one session, with a word on each; the session ends with the screen."""
    errands = give(Scale(5), Kill("a-1-x"), Restart())
    eventually(lambda: len(pool.said) == 3)

    assert pool.asked == [("scale", 5), ("kill", "a-1-x"), ("restart", "a"), ("restart", "b")]
    assert pool.said == ["the target is now 5", "asked to kill a-1-x", "all workers of 2 agents are being exchanged"]
    errands.close()
    eventually(lambda: pool.asked[-1] == ("close",))
    assert pool.connections == 1


def test_only_the_last_target_matters(pool: Pool, give: Callable[..., Errands]) -> None:
    """While one is under way, the others need not follow one by one; nobody who gives one waits."""
    pool.gate.clear()
    give(Scale(1))
    eventually(lambda: pool.connections == 1)
    give(Scale(2), Scale(3), Scale(4))
    pool.gate.set()
    eventually(lambda: pool.said[-1:] == ["the target is now 4"])

    assert pool.asked[-1] == ("scale", 4)
    assert len(pool.asked) == 2


def test_what_fails_is_said(pool: Pool, give: Callable[..., Errands]) -> None:
    """And the next one is tried anew, with a session of its own."""
    give(Scale(1))
    eventually(lambda: pool.said)
    pool.is_away = True
    give(Scale(2))
    eventually(lambda: pool.said[1:] == ["ZooKeeper does not answer; check --zk"])
    pool.is_away = False
    give(Scale(3))
    eventually(lambda: pool.said[2:] == ["the target is now 3"])

    assert pool.asked == [("scale", 1), ("close",), ("scale", 3)]
    assert pool.connections == 2
