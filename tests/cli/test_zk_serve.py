"""``autohealer zk serve``: the embedded server as a process of its own."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from kazoo.client import KazooClient

from tests.support.processes import Processes, eventually

Connect = Callable[[str], KazooClient]


def served(processes: Processes, *options: str | Path, port: int = 0, output: str = "output") -> tuple[Popen[str], str]:
    """A server that listens, and the first line that it prints."""
    process = processes.autohealer("zk", "serve", "--port", str(port), *options, output=output)
    eventually(lambda: "\n" in processes.read(output), what="its first line")
    return process, processes.read(output).splitlines()[0]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(processes: Processes, connect: Connect, ending: signal.Signals) -> None:
    """On loopback; the first line is for clients."""
    process, hosts = served(processes)
    connect(hosts).create("/a", b"data")
    process.send_signal(ending)

    assert process.wait(20) == 0
    assert hosts.startswith("127.0.0.1:")
    assert processes.read() == f"{hosts}\n"


@pytest.mark.parametrize("options", [(), ("--fsync",)])
def test_with_a_directory_it_forgets_nothing(
    processes: Processes, connect: Connect, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Not even when it is killed; sessions live on too."""
    first, hosts = served(processes, "--data", tmp_path / "data", *options)
    client = connect(hosts)
    client.create("/kept", b"data")
    client.create("/mine", b"", ephemeral=True)
    session = client.client_id
    first.kill()
    first.wait()
    served(processes, "--data", tmp_path / "data", *options, port=int(hosts.rpartition(":")[2]), output="second")

    assert client.retry(client.get, "/kept")[0] == b"data"
    assert client.exists("/mine")
    assert client.client_id == session


def test_a_link_that_was_typed_is_followed(processes: Processes, connect: Connect, tmp_path: Path) -> None:
    """The directory may be on another disk; what is inside of it is another matter."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    _, hosts = served(processes, "--data", tmp_path / "link")
    connect(hosts).create("/a")

    assert (tmp_path / "real" / "journal").stat().st_size > 0


@pytest.mark.parametrize("name", ["journal", "journal.lock"])
def test_what_is_no_file_is_one_line(processes: Processes, tmp_path: Path, name: str) -> None:
    """A FIFO is not waited for."""
    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "data" / name)
    ended = processes.run_autohealer("zk", "serve", "--port", "0", "--data", tmp_path / "data")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {tmp_path / 'data' / name} cannot be used: not a regular file; ")


def test_more_clients_are_served_than_the_soft_limit_allows(processes: Processes) -> None:
    """The usual limit of open files is 1,024, and a process may raise its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    process, hosts = served(processes)

    limit, _ = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)

    assert limit == min(hard, 1 << 20) or hard == resource.RLIM_INFINITY
    assert word(hosts, b"mntr").count(f"zk_max_file_descriptor_count\t{limit}\n") == 1


def word(hosts: str, asked: bytes) -> str:
    host, _, port = hosts.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(asked)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def test_a_port_that_is_taken_is_one_line(processes: Processes) -> None:
    """With a way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = processes.run_autohealer("zk", "serve", "--port", str(port))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another port with --port; 0 is any free one\n"
    )


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:0: "),
        (["--host", "no-such-host.invalid"], "cannot listen on no-such-host.invalid:0: "),
        (["--data", "/proc/no/such"], "/proc/no cannot be used: "),
    ],
)
def test_an_address_or_directory_that_cannot_be_had_is_one_line(
    processes: Processes, options: list[str], begins: str
) -> None:
    """The option to change is named."""
    ended = processes.run_autohealer("zk", "serve", "--port", "0", *options)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {begins}"), ended.stderr
    assert options[0] in ended.stderr.partition("; ")[2]
    assert ended.stderr.count("\n") == 1


def test_a_damaged_journal_is_one_line(processes: Processes, tmp_path: Path) -> None:
    """That names the file and the remedy."""
    journal = tmp_path / "data" / "journal"
    journal.parent.mkdir()
    journal.write_bytes(b"this is no journal, whatever else it may be")
    ended = processes.run_autohealer("zk", "serve", "--port", "0", "--data", journal.parent)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"error: {journal} is damaged: ")
    assert f"mv {journal} " in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_directory_has_one_server(processes: Processes, tmp_path: Path) -> None:
    """The second one leaves it alone."""
    served(processes, "--data", tmp_path / "data")
    ended = processes.run_autohealer("zk", "serve", "--port", "0", "--data", tmp_path / "data")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "is in use by another server" in ended.stderr


def test_beyond_loopback_it_warns(processes: Processes) -> None:
    """There is no password to a ZooKeeper."""
    process, _ = served(processes, "--host", "0.0.0.0")  # noqa: S104 - the very point
    eventually(lambda: "warning: listening beyond loopback" in processes.read())
    process.terminate()

    assert process.wait(20) == 0
