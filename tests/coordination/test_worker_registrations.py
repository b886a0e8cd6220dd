"""Workers' own registrations and stand-ins, as ZooKeeper and the agent see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from autohealer.coordination.pool.codec import read_worker
from autohealer.core.events import (
    ClusterLeft,
    LeadershipWon,
    RegistrationGone,
    RegistrationSeen,
    StandInMade,
    WorkersRecreated,
)
from tests.coordination.member import Member, entry
from tests.support.processes import eventually

WORKER = "host-a-0-x1"
OWN, STAND_IN = f"/workers/{WORKER}", f"/workers/{WORKER}.agent"


def test_a_workers_own_registration_is_seen_and_missed(member: Callable[..., Member], client: KazooClient) -> None:
    """The agent hears of it coming, going and coming again, and of nothing else."""
    a = member().join()
    a.wait(LeadershipWon)
    a.do(a.cluster.watch_registration, WORKER)
    client.create(OWN, b"", ephemeral=True)
    a.wait(RegistrationSeen)
    client.delete(OWN)
    a.wait(RegistrationGone)
    before = len(a.events)
    client.create(OWN, b"", ephemeral=True)
    a.wait(RegistrationSeen, after=before)

    assert [type(e).__name__ for e in a.events if isinstance(e, RegistrationSeen | RegistrationGone)] == [
        "RegistrationSeen",
        "RegistrationGone",
        "RegistrationSeen",
    ]


def test_a_registration_made_before_it_is_watched_is_seen(member: Callable[..., Member], client: KazooClient) -> None:
    """It is the state that counts, not the change."""
    client.create(OWN, b"", ephemeral=True, makepath=True)
    a = member()
    a.do(a.cluster.watch_registration, WORKER)
    a.join()

    assert a.wait(RegistrationSeen).worker == WORKER


def test_a_stand_in_says_whom_it_stands_for(member: Callable[..., Member], client: KazooClient) -> None:
    """It is ephemeral, in the agent's session, and leaves the worker's own name free."""
    a = member().join()
    a.do(partial(a.cluster.make_stand_in, address="host:1"), WORKER, 3, 4711, "2026-01-01T00:00:00Z")
    assert a.wait(StandInMade).worker == WORKER
    data, stat = client.get(STAND_IN)

    assert stat.ephemeralOwner == a.session[0]
    assert client.exists(OWN) is None
    entry = read_worker(data)
    assert (entry.worker, entry.agent, entry.pid, entry.slot) == (WORKER, "host-a", 4711, 3)
    assert entry.address == "host:1"
    assert set(json.loads(data)) == {"worker", "agent", "host", "pid", "slot", "address", "started"}


def test_a_stand_in_is_withdrawn_however_soon(member: Callable[..., Member], client: KazooClient) -> None:
    """Made, withdrawn and made again in one breath: the last word holds."""
    a = member().join()
    a.wait(LeadershipWon)

    def order() -> None:
        a.cluster.make_stand_in(WORKER, 0, 1, "")
        a.cluster.withdraw_stand_in(WORKER)
        a.cluster.make_stand_in(WORKER, 0, 1, "")

    a.do(order)
    a.wait(StandInMade)
    assert client.exists(STAND_IN)
    a.do(a.cluster.withdraw_stand_in, WORKER)
    eventually(lambda: client.exists(STAND_IN) is None)


def test_the_dead_are_removed_both_ways(member: Callable[..., Member], client: KazooClient) -> None:
    """A dead worker's own registration and its stand-in go at once, though its session lives on."""
    a = member().join()
    a.do(a.cluster.watch_registration, WORKER)
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    client.create(OWN, b"", ephemeral=True)
    a.wait(RegistrationSeen)
    a.do(a.cluster.remove_registration, WORKER)

    eventually(lambda: client.get_children("/workers") == [])
    a.settle()
    assert a.of(RegistrationGone) == []
    assert a.cluster._registrations._items == {}


def test_a_registration_in_the_last_moment_is_removed_too(member: Callable[..., Member], client: KazooClient) -> None:
    """The request of a worker that has died meanwhile may come after its death."""
    a = member().join()
    a.do(a.cluster.watch_registration, WORKER)
    a.wait(LeadershipWon)
    a.settle()
    a.do(a.cluster.remove_registration, WORKER)
    a.settle()
    client.create(OWN, b"", ephemeral=True)

    eventually(lambda: client.exists(OWN) is None)
    assert a.of(RegistrationSeen) == []


def test_watches_of_the_dead_do_not_pile_up(member: Callable[..., Member], client: KazooClient) -> None:
    """Workers that never registered leave no watch behind, neither in kazoo nor on the server."""
    a = member().join()
    a.wait(LeadershipWon)
    for n in range(20):
        a.do(a.cluster.watch_registration, f"host-a-{n}-x")
    a.settle()
    for n in range(20):
        a.do(a.cluster.remove_registration, f"host-a-{n}-x")
    a.settle()
    watchers = a.kazoo._data_watchers
    assert len([path for path in watchers if "/workers/host-a-" in path]) == 20

    a.do(a.cluster._look_again)
    eventually(lambda: not [path for path in list(watchers) if "/workers/host-a-" in path])
    client.create("/workers/host-a-0-x", b"", ephemeral=True)
    a.settle()
    assert client.exists("/workers/host-a-0-x")


def test_a_thousand_stand_ins(member: Callable[..., Member], client: KazooClient) -> None:
    """They are all made, each told once, and all removed."""
    a = member().join()
    workers = [f"host-a-{n}-x" for n in range(1000)]

    def order() -> None:
        for n, worker in enumerate(workers):
            a.cluster.watch_registration(worker)
            a.cluster.make_stand_in(worker, n, 100 + n, "")

    a.do(order)
    eventually(lambda: len(a.of(StandInMade)) >= len(workers))
    assert sorted(e.worker for e in a.of(StandInMade)) == sorted(workers)
    assert len(client.get_children("/workers")) == len(workers)

    def end() -> None:
        for worker in workers:
            a.cluster.remove_registration(worker)

    a.do(end)
    eventually(lambda: client.get_children("/workers") == [])


def test_workers_deleted_by_hand_is_made_again(member: Callable[..., Member], client: KazooClient) -> None:
    """Stand-ins return by themselves, and what is watched is watched again."""
    a = member().join()
    a.do(a.cluster.watch_registration, WORKER)
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    before = len(a.events)
    client.delete("/workers", recursive=True)

    a.wait(WorkersRecreated)
    a.wait(StandInMade, after=before)
    assert client.exists(STAND_IN)
    client.create(OWN, b"", ephemeral=True)
    a.wait(RegistrationSeen)
    assert len(a.of(WorkersRecreated)) == 1


def test_a_stand_in_deleted_by_hand_is_found_at_the_next_look(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """No watch tells of it; looking at everything now and then does."""
    a = member().join()
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    client.delete(STAND_IN)
    a.do(a.cluster._look_again)

    eventually(lambda: client.exists(STAND_IN))


def test_what_a_former_life_left_is_cleared(member: Callable[..., Member], client: KazooClient) -> None:
    """WorkerRegistrations named by this agent's ids that were not ordered go; others, and other agents', stay."""
    client.ensure_path("/workers")
    stale = ["host-a-0-old", "host-a-1-old.agent"]
    others = ["host-b-0-x", "host-b-0-x.agent", "worker_0000000001", "host-a-2-live", "host-a-3-live.agent"]
    for name in stale + others:
        client.create(f"/workers/{name}", b"", ephemeral=True)
    a = member()
    a.do(a.cluster.watch_registration, "host-a-2-live")
    a.do(a.cluster.make_stand_in, "host-a-3-live", 3, 1, "")
    a.join()

    eventually(lambda: sorted(client.get_children("/workers")) == sorted(others))
    assert client.exists("/workers/host-a-3-live.agent").ephemeralOwner == a.session[0]


def test_a_heal_costs_few_requests(member: Callable[..., Member], client: KazooClient) -> None:
    """Remove the dead, watch the new, stand in for it, say so: four, for an agent that does not lead."""
    member("host-z").join().wait(LeadershipWon)
    a = member().join()
    a.do(a.cluster.watch_registration, WORKER)
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    client.create(OWN, b"", ephemeral=True)
    a.wait(RegistrationSeen)
    eventually(lambda: client.exists("/autohealer/agents/host-a"))
    a.settle()
    a.settle()
    before = a.kazoo._connection._xid

    def heal() -> None:
        a.cluster.publish_agent(entry(0))
        a.cluster.remove_registration(WORKER)
        a.cluster.watch_registration("host-a-0-x2")
        a.cluster.make_stand_in("host-a-0-x2", 0, 2, "")
        a.cluster.publish_agent(entry(1))

    a.do(heal)
    eventually(lambda: b'"running":1' in client.get("/autohealer/agents/host-a")[0])
    eventually(lambda: client.get_children("/workers") == ["host-a-0-x2.agent"])
    a.settle()

    assert a.kazoo._connection._xid - before - 1 <= 4


# ---- addresses

ADDRESS = f"/service_registry/{WORKER}"


def announced(client: KazooClient) -> str | None:
    """The address that stands."""
    try:
        data: bytes = client.get(ADDRESS)[0]
    except NoNodeError:
        return None
    return data.decode()


def test_an_address_stands_in_the_registry_as_long_as_it_is_wanted(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """It is ephemeral, in the agent's session; another one takes its place, and it goes with the worker."""
    a = member().join()
    a.do(a.cluster.announce_address, WORKER, "h\u00f6st:8000")
    eventually(lambda: announced(client) == "h\u00f6st:8000")
    assert client.exists(ADDRESS).ephemeralOwner == a.session[0]

    a.do(a.cluster.announce_address, WORKER, "host:1")
    eventually(lambda: announced(client) == "host:1")
    a.do(a.cluster.announce_address, WORKER, None)
    eventually(lambda: client.exists(ADDRESS) is None)
    a.do(a.cluster.announce_address, WORKER, "host:1")
    eventually(lambda: client.exists(ADDRESS))
    a.do(a.cluster.remove_registration, WORKER)
    eventually(lambda: client.exists(ADDRESS) is None)
    a.settle()
    assert a.cluster._registrations._items == {}


def test_an_address_is_made_anew_where_the_registry_was_deleted_and_taken_away_on_leaving(
    member: Callable[..., Member], client: KazooClient
) -> None:
    a = member().join()
    a.do(a.cluster.announce_address, WORKER, "host:1")
    eventually(lambda: client.exists(ADDRESS))
    client.delete("/service_registry", recursive=True)
    a.do(a.cluster._look_again)
    eventually(lambda: client.exists(ADDRESS))
    a.do(a.cluster.leave)
    a.wait(ClusterLeft)
    assert client.exists(ADDRESS) is None


def test_what_a_former_life_announced_is_kept_for_the_living_only(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """The session is the same, so that nothing goes by itself. What others have there is left alone."""
    a = member().join()
    others, dead = "/service_registry/host-b-0-x1", "/service_registry/host-a-1-x2"
    client.create(others, b"other:1", ephemeral=True, makepath=True)
    a.do(a.cluster.announce_address, WORKER, "host:1")
    a.do(a.cluster.announce_address, "host-a-1-x2", "host:2")
    eventually(lambda: client.exists(ADDRESS) and client.exists(dead))
    made = client.exists(ADDRESS).czxid
    session = a.session
    a.do(a.cluster.abandon)
    b = member(prior_session=session)
    b.do(b.cluster.announce_address, WORKER, "host:1")
    b.join()

    eventually(lambda: client.exists(dead) is None)
    b.settle()
    assert client.exists(ADDRESS).czxid == made
    assert client.exists(others)


def test_the_address_in_a_workers_own_registration_is_told(member: Callable[..., Member], client: KazooClient) -> None:
    """Whether it was there before it was watched, comes later, or is changed."""
    late = "host-a-1-x2"
    client.create(OWN, b'{"address": "host:1"}', ephemeral=True, makepath=True)
    a = member()
    for worker in (WORKER, late):
        a.do(a.cluster.watch_registration, worker)
    a.join()
    assert a.wait(RegistrationSeen).address == "host:1"
    a.settle()
    client.create(f"/workers/{late}", b'{"address": "host:2"}', ephemeral=True)
    assert a.wait(RegistrationSeen, lambda event: event.worker == late).address == "host:2"
    client.set(OWN, b'{"address": "host:3"}')
    a.wait(RegistrationSeen, lambda event: event.address == "host:3")
    client.delete(OWN)
    a.wait(RegistrationGone)
    client.create(OWN, b"", ephemeral=True)
    a.wait(RegistrationSeen, lambda event: event.worker == WORKER and event.address is None)
