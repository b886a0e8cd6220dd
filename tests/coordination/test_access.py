"""Credentials, ACLs and the layout they stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError

from autohealer.coordination.admin import pool_client as console
from autohealer.coordination.pool.paths import Paths, sequence_of, split_hosts
from autohealer.coordination.session.access import Access
from autohealer.core.events import (
    AccessDenied,
    AgentsRead,
    ChildrenRead,
    LeadershipWon,
    RegistrationSeen,
    StandInMade,
    TargetRead,
)
from autohealer.core.model import Child
from autohealer.errors import AutohealerError, UsageError
from tests.coordination.member import Member
from tests.support.processes import eventually

AUTH = "digest:user:secret"


@pytest.mark.parametrize("text", ["secret", "digest:", "digest:user", "ip:1.2.3.4", "digest::secret"])
def test_odd_credentials_are_refused_without_being_shown(text: str) -> None:
    """They may hold a password."""
    with pytest.raises(UsageError) as caught:
        Access.parse(text)

    assert "secret" not in str(caught.value) + caught.value.hint


def test_a_password_may_hold_colons() -> None:
    """Only the first two of them mean something."""
    assert Access.parse("digest:user:a:b").credentials == (("digest", "user:a:b"),)


@pytest.mark.parametrize(
    ("connection", "servers", "chroot"),
    [("a:1", "a:1", ""), ("a:1,b:2/x", "a:1,b:2", "/x"), ("a/x//y/", "a", "/x/y"), ("a/", "a", "")],
)
def test_connection_strings(connection: str, servers: str, chroot: str) -> None:
    """Servers, and perhaps a chroot."""
    assert split_hosts(connection) == (servers, chroot)


def test_needed_paths_come_parents_first() -> None:
    """So that they can be made in this order."""
    needed = Paths("/a/b", "blue").needed()

    assert needed[:4] == ("/a", "/a/b", "/a/b/pools", "/a/b/pools/blue")
    for n, path in enumerate(needed):
        assert path.rpartition("/")[0] in {"", *needed[:n]}


@pytest.mark.parametrize(
    ("name", "number"),
    [("n_0000000012", 12), ("x:y:-2147483648", -(2**31)), ("n_12", None), ("", None), ("n_00000000x2", None)],
)
def test_sequence_numbers(name: str, number: int | None) -> None:
    """Ten digits; after two thousand million of them ZooKeeper counts on below zero."""
    assert sequence_of(name) == number


def test_a_hosts_string_that_is_none_is_a_usage_error() -> None:
    """Not a traceback from deep inside."""
    with pytest.raises(UsageError, match="no list of ZooKeeper servers"):
        console.connect("host:port", "default", 1.0)


def test_with_credentials_all_is_ours_but_workers_may_register(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """A client without credentials may see and make registrations, and nothing else."""
    a = member(auth=AUTH).join()
    a.do(a.cluster.write_target, 3)
    a.do(a.cluster.watch_registration, "host-a-0-x")
    a.do(a.cluster.make_stand_in, "host-a-1-x", 1, 1, "")
    a.wait(TargetRead, lambda e: e.workers == 3)
    a.wait(StandInMade)
    a.wait(AgentsRead, lambda e: "host-a" in e.agents)
    client.create("/workers/host-a-0-x", b"", ephemeral=True)
    client.create("/service_registry/one", b"", ephemeral=True)
    a.wait(RegistrationSeen)
    attempts: list[Callable[[], Any]] = [
        lambda: client.get("/autohealer/target"),
        lambda: client.set("/autohealer/target", b""),
        lambda: client.get_children("/election"),
        lambda: client.create("/autohealer/requests/r", b""),
        lambda: client.delete("/workers/host-a-1-x.agent"),
        lambda: client.get("/autohealer/agents/host-a"),
    ]
    for forbidden in attempts:
        with pytest.raises(NoAuthError):
            forbidden()
    a.do(a.cluster.remove_registration, "host-a-0-x")
    eventually(lambda: client.get_children("/workers") == ["host-a-1-x.agent"])
    assert not a.of(AccessDenied)


def test_without_the_right_credentials_it_is_said_clearly(member: Callable[..., Member], zookeeper_hosts: str) -> None:
    """One line that names what is denied, and does not hold the password."""
    member("host-a", auth=AUTH).join().wait(LeadershipWon)
    b = member("host-b", auth="digest:user:wrong").join()
    denied = b.wait(AccessDenied)

    assert "denies access to /" in denied.error
    assert "\n" not in denied.error
    assert "wrong" not in denied.error
    one = console.connect(zookeeper_hosts, "default", 5.0, Access())
    with pytest.raises(AutohealerError, match="denies access"):
        one.scale(3)
    one.close()


def test_registrations_that_may_not_be_read_are_no_denial(
    member: Callable[..., Member], connect: Callable[[str], KazooClient], zookeeper_hosts: str
) -> None:
    """A worker may keep its data to itself; it counts all the same."""
    private = connect(zookeeper_hosts)
    private.add_auth("digest", "worker:own")
    private.ensure_path("/workers")
    acl = Access.parse("digest:worker:own").acl
    private.create("/workers/private", b"", acl, ephemeral=True)
    private.create("/workers/kept", b"", acl)
    a = member().join()

    assert a.wait(ChildrenRead).children == (Child("private", None),)
    assert not a.of(AccessDenied)
