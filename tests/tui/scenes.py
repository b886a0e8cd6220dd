"""Pools to look at: what an agent's feed would have told, made up, at a fixed moment."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from autohealer.tui.source import News
from autohealer.views.reading import record_of
from autohealer.views.status import WatchedStatus

NOW = 1_790_000_000.0
AGENT = "web1-k3x9qa"
CANNOT_OPEN = "python: can't open file '/srv/app/nosuch.py': [Errno 2] No such file or directory"

Json = dict[str, Any]


def at(seconds_ago: float) -> str:
    """A moment so long before `NOW`, as events have it."""
    return datetime.fromtimestamp(NOW - seconds_ago, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def worker(slot: int, **fields: object) -> Json:
    """A row of ``status --json`` that is as wanted."""
    usual: Json = {
        "worker": f"{AGENT}-{slot}-{slot:05x}", "agent": AGENT, "host": "web1", "pid": 48_200 + slot, "slot": slot,
        "state": "running", "registered": True, "ready": True, "restarts": 0, "started": at(7_523 + slot),
        "address": None, "revision": 3, "cpu": 0.02 + 0.17 * (slot * 7 % 10) / 10,
        "rss": (38 + slot * 13 % 41) * 2**20, "cause": None, "next_start": None, "held": None,
    }  # fmt: skip
    return {**usual, **fields}


def crash_looping(slot: int) -> Json:
    """A slot that waits before its next start."""
    return worker(slot, worker=None, pid=None, state="backoff", registered=False, ready=None, restarts=9,
                  started=None, cpu=None, rss=None, cause="exit 2", next_start=at(-3))  # fmt: skip


def status(workers: list[Json], **fields: object) -> Json:
    """``status --json`` with what the feed adds."""
    running = sum(row["state"] == "running" for row in workers)
    usual: Json = {
        "pool": "web", "zookeeper": "127.0.0.1:2181", "connected": True, "target": len(workers), "running": running,
        "registered": running, "foreign": 0, "leader": AGENT, "epoch": 4_294_967_312,
        "agents": [{"agent": AGENT, "host": "web1", "pid": 4711, "share": len(workers), "running": running,
                    "draining": False, "http": "127.0.0.1:8080"}],
        "workers": workers, "spares": None, "done": None, "rollout": None, "held": None, "config": None,
        "here": {"agent": AGENT, "host": "web1", "pid": 4711, "version": "0.1.0", "draining": False,
                 "away_since": None, "http": "127.0.0.1:8080"},
    }  # fmt: skip
    return {**usual, **fields}


def deaths(count: int, slots: int, over_s: float = 540) -> Iterator[Json]:
    """Workers that were killed and came back, spread over the last minutes."""
    yield {"time": at(over_s + 20), "event": "zookeeper.connected", "session_timeout": 6.0, "resumed": False}
    for number in range(count):
        ago = over_s * (1 - (number + 0.5) / count)
        slot, pid = number * 7 % max(1, slots), 40_000 + number
        name = f"{AGENT}-{slot}-{number:05x}"
        how: Json = {"signal": "SIGKILL"} if number % 3 else {"code": 1}
        yield {"time": at(ago), "event": "worker.exited", "worker": name, "pid": pid, "slot": slot,
               "uptime": 61.5 + number, "code": None, "signal": None, **how,
               "cause": "SIGKILL" if number % 3 else "exit 1"}  # fmt: skip
        heal_ms = 1.4 + 1.1 * math.sin(number) + (38 if number % 11 == 5 else 0) + (210 if number % 37 == 20 else 0)
        yield {"time": at(ago - 0.01), "event": "worker.started", "worker": name, "pid": pid + 1, "slot": slot,
               "heal_ms": heal_ms}  # fmt: skip


def backoff(slot: int, ago: float = 4) -> Json:
    """What is told of a slot that crash-loops."""
    return {"time": at(ago), "event": "worker.backoff", "worker": f"{AGENT}-{slot}-0000b", "pid": None, "slot": slot,
            "delay": 6.4, "reason": "exit 2", "output": [CANNOT_OPEN]}  # fmt: skip


def healthy(count: int) -> tuple[Json, list[Json]]:
    """All as wanted, with a past."""
    rows = [worker(slot, restarts=slot % 3, cause="SIGKILL" if slot % 3 else None) for slot in range(count)]
    return status(rows), list(deaths(min(90, 10 * count), count))


def broken(count: int) -> tuple[Json, list[Json]]:
    """Some crash-loop, one is not ready, some are held, ZooKeeper is away, the file on disk differs."""
    looping = max(1, count // 3)
    rows = [crash_looping(slot) if slot < looping else worker(slot) for slot in range(count)]
    rows[-1] |= {"ready": False}
    if count >= 10:
        rows[-2] |= {"ready": False, "held": "probe"}
    found = status(rows, connected=False,
                   config={"file": "pools.toml", "state": "differs", "detail": None})  # fmt: skip
    found["here"] |= {"away_since": at(125)}
    return found, [*deaths(30, count), *(backoff(slot) for slot in range(looping))]


class Recorded:
    """A source that tells what it was given and then waits."""

    def __init__(self, told: Json, events: list[Json]) -> None:
        self._told, self._events = told, events
        self.asked: list[tuple[str, str]] = []
        self.is_local = self.beats = True
        self.hear: Callable[[News], None] = lambda _: None

    async def listen(self, hear: Callable[[News], None]) -> None:
        """All of it at once."""
        self.hear = hear
        hear(News(snapshot=msgspec.convert(self._told, WatchedStatus)))
        for event in self._events:
            hear(News(event=record_of(event)))
        await asyncio.Event().wait()

    async def operate(self, verb: str, subject: str) -> str:
        """Note it."""
        self.asked.append((verb, subject))
        return f"{verb} done"


def several(count: int) -> tuple[Json, list[Json]]:
    """Three agents, of which the one here has a third, and one is draining; a rollout is under way."""
    here = [worker(slot) for slot in range(count // 3)]
    shares = (count // 3, count // 3, count - 2 * (count // 3))
    agents = [
        {"agent": name, "host": name.partition("-")[0], "pid": 4711 + n, "share": shares[n], "running": shares[n],
         "draining": n == 2, "http": None}
        for n, name in enumerate((AGENT, "web2-8m2kd1", "web3-p0q4zz"))
    ]  # fmt: skip
    rollout = {"verb": "update", "by": "ann@web1", "from": 3, "to": 4, "exchanged": 4, "of": count}
    return status(here, target=count, running=count, leader="web2-8m2kd1", agents=agents, rollout=rollout), []
