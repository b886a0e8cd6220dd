"""Who comes to the listening socket, and what keeps somebody out."""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from autohealer.zkserver.acceptor import _ACCEPT_AGAIN_S, _NOTED_EVERY_S, Acceptor
from autohealer.zkserver.statistics import Statistics


class Listener(socket.socket):
    """Listens on loopback; ``errors`` are what the next calls of accept end with."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.bind(("127.0.0.1", 0))
        self.listen()
        self.errors: list[int] = []

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


class Door:
    """An acceptor, who is inside, and a clock that is moved by hand."""

    def __init__(self, most: int = 10) -> None:
        self.listener = Listener()
        self.epoll = select.epoll()
        self.statistics = Statistics()
        self.acceptor = Acceptor(
            self.listener, self.epoll, max_connections=most, admission=None, statistics=self.statistics
        )
        self.inside: list[socket.socket] = []
        self.outside: list[socket.socket] = []
        self.now = 100.0

    def knock(self) -> None:
        self.outside.append(socket.create_connection(self.listener.getsockname()))

    def let_in(self) -> int:
        """How many may come in now."""
        before = len(self.inside)
        for sock, _ in self.acceptor.accept(self.inside, self.now):
            self.inside.append(sock)
        return len(self.inside) - before

    @property
    def is_listening(self) -> bool:
        return bool(self.epoll.poll(0))

    def close(self) -> None:
        self.acceptor.close()
        self.epoll.close()
        for sock in (*self.inside, *self.outside):
            sock.close()


@pytest.fixture
def door() -> Iterator[Door]:
    with closing(Door()) as opened:
        yield opened


def test_all_who_have_come_are_let_in_at_once(door: Door) -> None:
    for _ in range(3):
        door.knock()

    assert door.is_listening
    assert door.let_in() == 3
    assert not door.is_listening


def test_who_has_left_before_it_was_let_in_keeps_nobody_out(door: Door) -> None:
    door.knock()
    door.listener.errors = [errno.ECONNABORTED]

    assert door.let_in() == 1


def test_out_of_resources_it_waits_says_so_once_and_tries_again(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    door.knock()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            door.listener.errors = [errno.EMFILE]
            assert door.let_in() == 0
            assert not door.is_listening
            assert door.acceptor.again_at == door.now + _ACCEPT_AGAIN_S
            door.acceptor.resume(door.now)
            assert not door.is_listening
            door.now += _ACCEPT_AGAIN_S
            door.acceptor.resume(door.now)
            assert door.is_listening
    assert [record.getMessage() for record in caplog.records] == ["no more connections for now: Too many open files"]

    assert door.let_in() == 1
    assert door.acceptor.again_at is None


def test_more_than_there_is_room_for_are_turned_away_and_that_is_said_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with closing(Door(most=1)) as door, caplog.at_level(logging.WARNING):
        for _ in range(3):
            door.knock()
        assert door.let_in() == 1
        assert door.statistics.rejected == 2
        assert [sock.recv(1) for sock in door.outside[1:]] == [b"", b""]
        assert len(caplog.records) == 1

        door.now += _NOTED_EVERY_S
        door.knock()
        assert door.let_in() == 0
        assert len(caplog.records) == 2
