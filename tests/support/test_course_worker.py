"""The worker in Java: what others' workers do, no more and no less."""

from __future__ import annotations

from collections.abc import Callable

from kazoo.client import KazooClient

from tests.support.processes import Processes, eventually


def test_it_registers_as_a_numbered_ephemeral_without_data_and_works_until_it_is_killed(
    course_worker: list[str], zookeeper_hosts: str, processes: Processes, connect: Callable[[str], KazooClient]
) -> None:
    """Its session ends some time after it: nobody closes it."""
    client = connect(zookeeper_hosts)
    client.create("/workers")
    process = processes.start(*course_worker, zookeeper_hosts)
    eventually(lambda: "registered: /workers/worker_0000000000" in processes.read())
    data, stat = client.get("/workers/worker_0000000000")

    assert data == b""
    assert stat.ephemeralOwner != 0
    assert process.poll() is None
    process.kill()
    eventually(lambda: client.get_children("/workers") == [], what="the end of its session")
