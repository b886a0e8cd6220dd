"""How a client comes in: a new session, one that is taken up again, and one that is refused."""

from __future__ import annotations

import pytest

from tests.zkserver.machine import FIRST_SESSION, FIRST_ZXID, Machine, connect_request, frame, request
from tests.zkserver.wire import create, integer, long, string

CREATE, PING = 1, 11


class TestHandshake:
    """The first record, and what is made of it."""

    def test_answer_has_the_read_only_flag_that_the_request_has(self, machine: Machine) -> None:
        """An old client, which leaves the flag out, would not know what to do with it."""
        new, old = machine.bare_peer(), machine.bare_peer()

        new.feed(frame(connect_request()))
        old.feed(frame(connect_request()[:-1]))

        assert len(new.take()) == 4 + 37
        assert len(old.take()) == 4 + 36

    @pytest.mark.parametrize(
        ("asked", "granted"), [(-1, 400), (0, 400), (399, 400), (400, 400), (4321, 4321), (60_001, 60_000)]
    )
    def test_timeout_is_clamped(self, machine: Machine, asked: int, granted: int) -> None:
        """What lies within the bounds is granted as it was asked."""
        assert machine.peer(timeout_ms=asked).granted_ms == granted

    def test_new_session_takes_a_zxid(self, machine: Machine) -> None:
        """Opening a session is a transaction like others."""
        peer = machine.peer()

        assert peer.session_id == FIRST_SESSION
        assert peer.ask(PING).zxid == FIRST_ZXID + 1

    @pytest.mark.parametrize("password", [None, b"", b"anything"])
    def test_password_of_a_new_session_is_not_looked_at(self, machine: Machine, password: bytes | None) -> None:
        """Clients send nothing, zeros or null."""
        peer = machine.bare_peer()

        peer.shake_hands(password=password)

        assert peer.session_id == FIRST_SESSION

    def test_reattached_session_keeps_id_and_password_and_closes_the_old_connection(self, machine: Machine) -> None:
        """A client that comes back may come before its old connection is seen to be dead."""
        first = machine.peer()

        second = machine.peer(session_id=first.session_id, password=first.password)

        assert (second.session_id, second.password) == (first.session_id, first.password)
        assert first.is_closed
        assert not second.is_closed
        assert second.ask(CREATE, create("/e", flags=1)).error == 0

    def test_wrong_password_is_refused_and_harms_nobody(self, machine: Machine) -> None:
        """Refused is: all zeros, and the end. The session's own connection stays."""
        owner = machine.peer()

        thief = machine.peer(session_id=owner.session_id, password=b"guess")

        assert (thief.session_id, thief.granted_ms, thief.password) == (0, 0, bytes(16))
        assert thief.is_closed
        assert not owner.is_closed

    def test_unknown_session_is_refused(self, machine: Machine) -> None:
        """This is how a client hears that its session expired."""
        peer = machine.peer(session_id=4711)

        assert (peer.session_id, peer.granted_ms) == (0, 0)
        assert peer.is_closed

    def test_client_from_the_future_is_closed_without_an_answer(self, machine: Machine) -> None:
        """It has seen a state that this server has not reached."""
        peer = machine.bare_peer()

        peer.feed(frame(connect_request(zxid=FIRST_ZXID + 1)))

        assert peer.take() == b""
        assert peer.is_closed

    def test_garbage_is_closed(self, machine: Machine) -> None:
        """A record that is cut short is no connect request."""
        peer = machine.bare_peer()

        peer.feed(frame(b"\0" * 20))

        assert peer.is_closed

    def test_request_behind_the_handshake_in_one_write_is_served(self, machine: Machine) -> None:
        """Nobody has to wait for the handshake's answer."""
        peer = machine.bare_peer()

        peer.feed(frame(connect_request()) + request(CREATE, create("/a"), 7))

        assert peer.take()[4 + 37 :] == frame(integer(7) + long(FIRST_ZXID + 2) + integer(0) + string("/a"))
