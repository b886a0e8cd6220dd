"""The looks for what a lost watch may have missed: at everything where something was written, else at nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kazoo.client import KazooClient

from autohealer.coordination.pool import cluster
from autohealer.coordination.pool.base_paths import BasePaths
from autohealer.coordination.session.link import Link
from autohealer.core.events import TargetRead
from tests.coordination.member import Member
from tests.support.processes import eventually


class Looks:
    """How often ZooKeeper was asked whether anything has changed, and how often for everything."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = self.full = 0
        ask, lay = Link.ask_zxid, BasePaths.lay

        def counted_ask(link: Link, done: Callable[[int], None]) -> None:
            self.asked += 1
            ask(link, done)

        def counted_lay(paths: BasePaths) -> None:
            self.full += 1
            lay(paths)

        monkeypatch.setattr(Link, "ask_zxid", counted_ask)
        monkeypatch.setattr(BasePaths, "lay", counted_lay)
        monkeypatch.setattr(cluster, "LOOK_AGAIN_S", 0.1)

    def until_at_rest(self) -> int:
        """Until five looks in a row have asked for nothing else; how many full ones there were by then."""

        def at_rest() -> int:
            asked, full = self.asked, self.full
            eventually(lambda: self.asked >= asked + 5)
            return full if full == self.full else 0

        return eventually(at_rest)


def test_where_nothing_is_written_nothing_is_read(
    member: Callable[..., Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether anything was is one request."""
    looks = Looks(monkeypatch)
    member().join()

    assert looks.until_at_rest() >= 2


def test_what_a_lost_watch_has_missed_is_found(
    member: Callable[..., Member], client: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the next look, however many have found nothing."""
    looks = Looks(monkeypatch)
    one = member().join()
    one.do(one.cluster.write_target, 3)
    one.wait(TargetRead, lambda event: event.workers == 3)
    looks.until_at_rest()
    one.kazoo._data_watchers.clear()
    client.set("/autohealer/target", b'{"workers": 5}')

    assert eventually(lambda: one.of(TargetRead)[-1].workers == 5)
