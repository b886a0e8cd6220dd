"""A ZooKeeper that does not answer is told of after a moment, and the end says what is wrong with its name."""

from __future__ import annotations

import asyncio

import pytest

from autohealer.coordination.session.access import PLAIN
from autohealer.errors import UnreachableError
from autohealer.runtime import first_contact
from autohealer.runtime.first_contact import FirstContact


async def first_contact_with(hosts: str, timeout_s: float) -> tuple[list[str], UnreachableError]:
    told: list[str] = []
    failed: asyncio.Future[UnreachableError] = asyncio.get_running_loop().create_future()
    FirstContact(PLAIN, hosts, timeout_s, told=told.append, failed=failed.set_result).begin()
    return told, await asyncio.wait_for(failed, 20)


def test_who_waits_hears_of_it_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_contact, "TOLD_AFTER_S", 0.1)
    hosts = "127.0.0.1:1"

    told, error = asyncio.run(first_contact_with(hosts, 0.6))

    assert told == [f"no ZooKeeper has answered at {hosts} yet; trying for 0.5 s more"]
    assert str(error) == f"no ZooKeeper answers at {hosts} within 0.6 s"


def test_names_that_nobody_knows_are_named() -> None:
    hosts = "nosuch.invalid:2181,127.0.0.1:1/chroot"

    told, error = asyncio.run(first_contact_with(hosts, 0.1))

    assert told == []
    assert str(error).startswith(f"no ZooKeeper answers at {hosts}: no address is found for nosuch.invalid (")


def test_once_there_is_a_session_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_contact, "TOLD_AFTER_S", 0.01)
    said: list[object] = []

    async def contact() -> None:
        wait = FirstContact(PLAIN, "127.0.0.1:1", 0.02, told=said.append, failed=said.append)
        wait.begin()
        wait.drop()
        wait.drop()
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, later.set)
        await later.wait()

    asyncio.run(contact())

    assert said == []
