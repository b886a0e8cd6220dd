"""Clients that say who they are."""

from __future__ import annotations

from tests.zkserver.machine import Machine, request
from tests.zkserver.wire import acl, boolean, buffer, create, integer, string

CREATE, GET, SET_ACL, AUTH = 1, 4, 7, 100


def test_unknown_scheme_of_auth_is_answered_and_closed(machine: Machine) -> None:
    """So the client knows why."""
    peer = machine.peer()

    assert peer.ask(AUTH, integer(0) + string("kerberos") + buffer(b"")).error == -115
    assert peer.is_closed


def test_more_identities_than_anyone_needs_are_refused(machine: Machine) -> None:
    """The same for auth requests."""
    peer = machine.peer()
    for number in range(100):
        if peer.is_closed:
            break
        peer.feed(request(AUTH, integer(0) + string("digest") + buffer(b"user:%d" % number)))

    assert peer.is_closed


def test_auth_belongs_to_the_connection(machine: Machine) -> None:
    """After a reconnect it has to be given again."""
    first = machine.peer()
    first.ask(AUTH, integer(0) + string("digest") + buffer(b"ann:secret"), -4)
    first.ask(CREATE, create("/mine", entries=((31, "auth", ""),)))
    assert first.ask(GET, string("/mine") + boolean(False)).error == 0

    second = machine.peer(session_id=first.session_id, password=first.password)

    assert second.ask(GET, string("/mine") + boolean(False)).error == -102
    assert second.ask(SET_ACL, string("/mine") + acl() + integer(-1)).error == -102
