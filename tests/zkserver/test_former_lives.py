"""What a journal holds that no server wrote, and what is left of one that was killed at its very beginning."""

from __future__ import annotations

import errno
import gc
import resource
import socket
from pathlib import Path

import pytest

from autohealer.zkserver import JournalError, ZooKeeperServer, server
from autohealer.zkserver.entries import State, keys_of, write_closed, write_gone, write_node, write_session
from autohealer.zkserver.jute import MalformedError
from autohealer.zkserver.record_file import MAGIC
from autohealer.zkserver.server import raise_file_limit
from autohealer.zkserver.tree import Node
from tests.zkserver.journals import OPEN_ACL, batches, life
from tests.zkserver.machine import FIRST_SESSION, Machine
from tests.zkserver.wire import create, integer, session


def node(owner: int = 0) -> Node:
    return Node(b"", OPEN_ACL, owner, 1, 0)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (write_node("/a/b", node()), "/a/b has no parent"),
        (write_node("a", node()), "a has no parent"),
        (write_node("/e", node(owner=5)), "a node belongs to session 0x5, which is not known"),
        (b"\xff", "the record at byte .* is not what was written"),
    ],
    ids=["orphan", "not below the root", "of no session", "of no kind"],
)
def test_journal_of_what_cannot_be_is_damaged_and_the_port_is_let_go(
    tmp_path: Path, entry: bytes, problem: str
) -> None:
    """The remedy is told, and nothing is held that a second try would need."""
    life(tmp_path, entry)
    zookeeper = ZooKeeperServer(data_dir=tmp_path)

    with pytest.raises(JournalError, match=problem) as raised:
        zookeeper.start()

    assert "put back a copy" in str(raised.value.hint)
    (tmp_path / "journal").unlink()
    with ZooKeeperServer(data_dir=tmp_path):
        pass


@pytest.mark.parametrize("kept", range(len(MAGIC)))
def test_server_that_was_killed_in_its_first_write_left_nothing(tmp_path: Path, kept: int) -> None:
    """A part of the first bytes is a journal of nothing, and what comes then is kept."""
    (tmp_path / "journal").write_bytes(MAGIC[:kept])
    assert life(tmp_path, *batches(1)).nodes == {}

    assert set(life(tmp_path).nodes) == {"/n0"}


def test_path_of_an_entry_is_not_null() -> None:
    """Whoever reads entries is told so, whatever it reads them for."""
    gone = write_gone("/a")[:1] + integer(-1)

    with pytest.raises(MalformedError, match="null string"):
        State().apply(gone)
    with pytest.raises(MalformedError, match="null string"):
        keys_of(gone)


def test_end_of_a_session_that_was_never_noted_is_no_damage() -> None:
    """A journal that was written anew in the meantime has left it out."""
    state = State()

    state.apply(write_closed(5))

    assert state.sessions == {}


def test_new_session_gets_an_id_that_no_session_of_a_former_life_has() -> None:
    """Also where the clock stood still between the two."""
    state = State()
    state.apply(write_session(FIRST_SESSION, 4000, b"x") + write_session(FIRST_SESSION + 1, 4000, b"y"))
    machine = Machine(state)

    assert machine.peer().session_id == FIRST_SESSION + 2


def test_server_that_cannot_begin_lets_its_port_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a directory, too."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]

    def no_loop(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(server, "Loop", no_loop)
        with pytest.raises(OSError, match="too many"):
            ZooKeeperServer(port=port).start()

    with ZooKeeperServer(port=port) as zookeeper, session(zookeeper.hosts) as client:
        assert client.ask(1, create("/a")).error == 0


def test_collection_that_somebody_has_turned_off_stays_off(tmp_path: Path) -> None:
    """A journal is read without it; who does not want it at all does not get it back by that."""
    gc.disable()
    try:
        with ZooKeeperServer(data_dir=tmp_path):
            assert not gc.isenabled()
    finally:
        gc.enable()


def test_limit_of_open_files_is_raised_and_never_lowered() -> None:
    """As far as this process may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[0]), before[1]))
        raise_file_limit()
        raised, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert raised > 256
        assert hard == before[1]
        raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (raised, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
