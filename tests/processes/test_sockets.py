"""Listening sockets: bound once, handed to every worker from descriptor 3 on, and to nobody else."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autohealer.errors import UsageError
from autohealer.processes.launch.command import resolve_command
from autohealer.processes.launch.sockets import Sockets, passed_to_us
from autohealer.processes.launch.spawn import Output, Spawner

WHOAMI = """
import os, socket
for number in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    s = socket.socket(fileno=number)
    print(number, s.family.name, s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), s.getsockname(), flush=True)
print(os.environ.get("LISTEN_FDNAMES"), flush=True)
"""


@pytest.fixture
def opened() -> Iterator[list[Sockets]]:
    opened: list[Sockets] = []
    yield opened
    for sockets in opened:
        sockets.close(is_over=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bind(opened: list[Sockets], *addresses: str, beside: bool = False) -> Sockets:
    opened.append(Sockets.open(addresses, "web", {}, beside=beside))
    return opened[-1]


def answers(family: int, address: object) -> bool:
    with socket.socket(family) as caller:
        return caller.connect_ex(address) == 0  # type: ignore[arg-type]  # of either family


def test_workers_get_them_from_descriptor_three_on(opened: list[Sockets], tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "s"
    sockets = bind(opened, f"tcp:127.0.0.1:{port}", f"unix:{path}")
    environ = {**os.environ, **sockets.environ}
    command = resolve_command((sys.executable, "-c", WHOAMI), environ, "/")
    spawner = Spawner(command, environ, Output.FILE, sockets=sockets.for_worker)
    with (tmp_path / "out").open("ab") as output:
        spawned = spawner.spawn({}, slot=0, worker="w", output=output.fileno())
    assert os.waitpid(spawned.pid, 0)[1] == 0
    os.close(spawned.pidfd)

    assert (tmp_path / "out").read_text().splitlines() == [
        f"3 AF_INET 1 ('127.0.0.1', {port})",
        f"4 AF_UNIX 1 {path}",
        "web:web",
    ]


def test_the_number_stands_for_fd(opened: list[Sockets], tmp_path: Path) -> None:
    sockets = bind(opened, f"tcp:127.0.0.1:{free_port()}")
    command = resolve_command(("echo", "--fd={fd}"), os.environ, "/")
    with (tmp_path / "out").open("ab") as output:
        spawner = Spawner(command, os.environ, Output.FILE, sockets=sockets.for_worker)
        spawned = spawner.spawn({}, slot=0, worker="w", output=output.fileno())
    os.waitpid(spawned.pid, 0)
    os.close(spawned.pidfd)

    assert (tmp_path / "out").read_text() == "--fd=3\n"


def test_nothing_is_accepted_before_there_is_a_worker(opened: list[Sockets]) -> None:
    """Nobody would take what waits in the queue, for instance while the workers of a former agent still run."""
    port = free_port()
    sockets = bind(opened, f"tcp:127.0.0.1:{port}")
    assert not answers(socket.AF_INET, ("127.0.0.1", port))
    sockets.for_worker()
    assert answers(socket.AF_INET, ("127.0.0.1", port))


def test_a_port_of_another_pool_is_not_shared(opened: list[Sockets]) -> None:
    address = f"tcp:127.0.0.1:{free_port()}"
    bind(opened, address).for_worker()
    with pytest.raises(UsageError, match="Address already in use"):
        bind(opened, address)


def test_who_takes_over_binds_beside(opened: list[Sockets], tmp_path: Path) -> None:
    """The workers of the former agent have its socket, and answer until the last of them has ended."""
    port, path = free_port(), tmp_path / "s"
    addresses = (f"tcp:127.0.0.1:{port}", f"unix:{path}")
    former = bind(opened, *addresses)
    first = former.for_worker()
    after = bind(opened, *addresses, beside=True)
    with socket.socket(fileno=os.dup(first[1])) as held:
        assert answers(socket.AF_UNIX, str(path))
        held.accept()[0].close()  # it is still the former socket that answers there
    after.for_worker()
    former.close(is_over=True)

    assert answers(socket.AF_INET, ("127.0.0.1", port))
    assert answers(socket.AF_UNIX, str(path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_a_path_is_replaced_only_if_nobody_answers(opened: list[Sockets], tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
        stale.listen()
        with pytest.raises(UsageError, match="already"):
            bind(opened, f"unix:{path}")
    bind(opened, f"unix:{path}").for_worker()
    assert answers(socket.AF_UNIX, str(path))


def test_what_is_no_socket_is_not_replaced(opened: list[Sockets], tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(UsageError, match="in use"):
        bind(opened, f"unix:{path}")
    assert path.read_text() == "data"


def test_the_path_goes_with_the_pool_and_stays_for_its_workers(opened: list[Sockets], tmp_path: Path) -> None:
    path = tmp_path / "s"
    left = bind(opened, f"unix:{path}")
    left.for_worker()
    left.close(is_over=False)
    assert path.exists()
    over = bind(opened, f"unix:{path}")
    over.for_worker()
    over.close(is_over=True)
    assert not path.exists()


@pytest.mark.parametrize("environ", [{}, {"LISTEN_FDS": "2"}, {"LISTEN_FDS": "2", "LISTEN_PID": "1"}])
def test_what_was_passed_to_somebody_else_is_not_ours(environ: dict[str, str]) -> None:
    assert passed_to_us(environ) == 0


def test_what_systemd_has_passed_is_passed_on_instead() -> None:
    environ = {"LISTEN_FDS": "2", "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "http:admin"}
    sockets = Sockets.open(["tcp:127.0.0.1:1"], "web", environ, beside=False)
    assert sockets.environ == {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "http:admin"}


@pytest.mark.parametrize("address", ["tcp:256.0.0.1:80", "unix:/missing/s", "unix:" + "x" * 200])
def test_an_address_that_cannot_be_had(opened: list[Sockets], address: str) -> None:
    with pytest.raises(UsageError, match="cannot listen on"):
        bind(opened, address)
