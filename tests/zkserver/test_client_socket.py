"""What waits on our side of one client's socket."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from autohealer.zkserver.client_socket import _MAX_UNANSWERED, ClientSocket
from autohealer.zkserver.connection import HIGH_WATER, Connection

Pair = tuple[ClientSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Ours, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as theirs:
        ours, _ = listener.accept()
        with ours:
            yield ClientSocket(ours, Connection("127.0.0.1", 1, 0.0, 0, [])), theirs


def owe(peer: ClientSocket, *pieces: bytes) -> None:
    """Answers for the client, which are handed to its socket."""
    for piece in pieces:
        peer.connection.send(piece)
    peer.unsent.extend(peer.connection.outgoing)
    peer.connection.outgoing.clear()


def test_nothing_there_is_not_the_end(pair: Pair) -> None:
    peer, theirs = pair
    assert peer.read() is None

    theirs.sendall(b"abc")
    assert select.select([peer.socket], [], [], 10)[0]
    assert peer.read() == b"abc"

    theirs.close()
    assert select.select([peer.socket], [], [], 10)[0]
    assert peer.read() == b""


def test_a_client_that_breaks_off_is_gone(pair: Pair) -> None:
    peer, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()
    assert select.select([peer.socket], [], [], 10)[0]
    assert peer.read() == b""

    owe(peer, b"too late")
    with pytest.raises(OSError, match="Broken pipe"):
        peer.write()


def test_many_answers_go_in_one_write_and_are_counted(pair: Pair) -> None:
    peer, theirs = pair
    owe(peer, b"ab", b"cd", b"e")

    assert peer.write() == 5
    assert theirs.recv(100) == b"abcde"
    assert peer.connection.outgoing_size == 0
    assert peer.write() == 0


def test_what_the_kernel_does_not_take_stays_in_order(pair: Pair) -> None:
    peer, theirs = pair
    pieces = [bytes([number]) * 300_000 for number in range(40)]
    owe(peer, *pieces)
    got = bytearray()
    while peer.write():
        pass
    assert peer.connection.outgoing_size == sum(len(piece) for piece in peer.unsent) > 0
    assert peer.wants(is_busy=False) & select.EPOLLOUT

    while peer.unsent:
        got += theirs.recv(1 << 20)
        peer.write()
    while len(got) < 40 * 300_000:
        got += theirs.recv(1 << 20)

    assert bytes(got) == b"".join(pieces)
    assert peer.connection.outgoing_size == 0


def test_what_was_put_by_is_taken_up_in_order(pair: Pair) -> None:
    peer, _ = pair
    peer.put_by(b"\0\0\0\4ab")
    peer.put_by(b"cd\0\0\0\1e")
    peer.take_up()

    assert [peer.connection.frames.next_frame() for _ in range(3)] == [b"abcd", b"e", None]
    assert peer.unanswered_size == 0


def test_more_is_read_only_from_one_that_can_be_answered(pair: Pair) -> None:
    peer, _ = pair
    assert peer.wants(is_busy=False) == select.EPOLLIN
    assert peer.wants(is_busy=True) == 0

    owe(peer, bytes(HIGH_WATER + 1))
    assert peer.wants(is_busy=False) == select.EPOLLIN | select.EPOLLOUT, "there may be pings among it"
    peer.put_by(bytes(_MAX_UNANSWERED))
    assert peer.wants(is_busy=False) == select.EPOLLOUT

    peer.connection.close()
    peer.take_up()
    assert peer.wants(is_busy=False) == select.EPOLLOUT
