"""The end of a pool: who is first decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from autohealer.errors import AutohealerError, GaveUpError, UnreachableError
from autohealer.runtime.pool_end import PoolEnd


def outcome(*happens: Callable[[PoolEnd], object]) -> int:
    """The exit code of a pool to whose end this happens. Raises AutohealerError."""

    async def end() -> int:
        made = PoolEnd(asyncio.get_running_loop())
        assert not made.is_decided
        for happen in happens:
            happen(made)
        return await made.wait()

    return asyncio.run(end())


def test_an_end_as_asked_has_its_exit_code() -> None:
    """Whatever comes after the decision changes nothing of it."""
    assert outcome(lambda end: end.finish(0, ""), lambda end: end.abandon(131)) == 0
    assert outcome(lambda end: end.abandon(131), lambda end: end.finish(0, "")) == 131


@pytest.mark.parametrize(
    ("happen", "kind"),
    [
        (lambda end: end.finish(1, "the disk is gone"), AutohealerError),
        (lambda end: end.finish(GaveUpError.exit_code, "a crash loop"), GaveUpError),
        (lambda end: end.fail(UnreachableError("no ZooKeeper")), UnreachableError),
    ],
)
def test_an_end_that_nobody_asked_for_is_an_error(
    happen: Callable[[PoolEnd], object], kind: type[AutohealerError]
) -> None:
    """With the message of who decided it, and a hint where there is one."""
    with pytest.raises(AutohealerError) as raised:
        outcome(happen)

    assert type(raised.value) is kind
    assert bool(raised.value.hint) is (kind is GaveUpError)


def test_workers_are_left_only_where_that_was_first() -> None:
    """An end that is decided already is not made one that leaves workers."""
    found: list[bool] = []
    outcome(lambda end: end.abandon(7), lambda end: found.append(end.is_abandoned))
    outcome(lambda end: end.finish(0, ""), lambda end: end.abandon(7), lambda end: found.append(end.is_abandoned))

    assert found == [True, False]


def test_who_asks_twice_waits_for_nothing() -> None:
    """The first time hands over, the second kills."""
    found: list[tuple[bool, bool]] = []

    def ask(end: PoolEnd) -> None:
        found.append((end.drain(), end.is_killed))

    outcome(ask, ask, lambda end: end.finish(0, ""))

    assert found == [(True, False), (False, True)]
