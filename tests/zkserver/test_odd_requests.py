"""Requests that no client library sends, each to a real ZooKeeper and to ours.

There is no case for what is known to differ, and stays so, since the real server's answer is an accident:

- a check that is no part of a multi, and passes: a real server never answers anything again; ours says OK
- create with TTL, without a TTL's flag and with a TTL out of range: a real server stops for good; ours: BadArguments
- null paths in a multi, a write in a multiRead: both say MarshallingError; the real one with half an answer behind it
- a malformed reconfig: both say MarshallingError; ours takes a zxid for it
- createSession, deleteContainer and SASL as requests: Unimplemented from ours, and the end of the connection
- an ACL for the ip 127.0.0.+1: Java reads +1 as a number; ours says InvalidACL
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autohealer.zkserver import ZooKeeperServer
from tests.support.real_zookeeper import RealZooKeeper
from tests.zkserver.wire import (
    ClosedError,
    Wire,
    acl,
    boolean,
    buffer,
    create,
    integer,
    long,
    multi,
    string,
    strings,
)

CASES = [
    ("createflags4", 15, create("/k1", flags=4)),
    ("createflags5", 1, create("/k2", flags=5)),
    ("createflags7", 1, create("/k2", flags=7)),
    ("createflags-1", 1, create("/k2", flags=-1)),
    ("container0", 19, create("/k3", flags=0)),
    ("container1", 19, create("/k4", flags=1)),
    ("container2", 19, create("/k4", flags=2)),
    ("ttl f5", 21, create("/k5", flags=5) + long(100000)),
    ("ttl f0", 21, create("/k6", flags=0) + long(100000)),
    ("ttl f1", 21, create("/k6e", flags=1) + long(100000)),
    ("ttl f5 bad", 21, create("/k7", flags=5) + long(-1)),
    ("ttl f5 0", 21, create("/k7", flags=5) + long(0)),
    ("ttl f6", 21, create("/k8", flags=6) + long(1000000)),
    ("ttl f5 max", 21, create("/k9", flags=5) + long(1 << 40)),
    ("ttl f5 max-1", 21, create("/k9", flags=5) + long((1 << 40) - 1)),
    ("null path create", 1, string(None) + buffer(b"") + acl() + integer(0)),
    ("empty path create", 1, create("")),
    ("noslash", 1, create("abc")),
    ("rootcreate", 1, create("/")),
    ("zk quota child", 1, create("/zookeeper/x")),
    ("trail", 1, create("/a/")),
    ("dot", 1, create("/a/.")),
    ("dot1", 1, create("/.")),
    ("dot2", 1, create("/..")),
    ("dot3", 1, create("/...")),
    ("ctrl", 1, create("/a\x01")),
    ("nul", 1, create("/a\0")),
    ("7f", 1, create("/a\x7f")),
    ("e000", 1, create("/a\ue000")),
    ("fff0", 1, create("/a\ufff0")),
    ("emoji", 1, create("/a\U0001f600")),
    ("uml", 1, create("/a\u00e4")),
    ("9f", 1, create("/a\u009f")),
    ("badutf", 1, integer(3) + b"/\xff\xfe" + buffer(b"") + acl() + integer(0)),
    ("trunc create", 1, string("/zz")),
    ("acl null", 1, string("/zz") + buffer(b"") + integer(-1) + integer(0)),
    ("acl -7", 1, string("/zz") + buffer(b"") + integer(-7) + integer(0)),
    ("acl 2e9", 1, string("/zz") + buffer(b"") + integer(2000000000) + integer(0)),
    (
        "acl nullscheme",
        1,
        string("/zz") + buffer(b"") + integer(1) + integer(31) + string(None) + string("x") + integer(0),
    ),
    (
        "acl nullid world",
        1,
        string("/zz") + buffer(b"") + integer(1) + integer(31) + string("world") + string(None) + integer(0),
    ),
    (
        "acl nullid digest",
        1,
        string("/zz") + buffer(b"") + integer(1) + integer(31) + string("digest") + string(None) + integer(0),
    ),
    (
        "acl nullid ip",
        1,
        string("/zz") + buffer(b"") + integer(1) + integer(31) + string("ip") + string(None) + integer(0),
    ),
    ("acl world foo", 1, create("/zz", entries=((31, "world", "foo"),))),
    ("acl digest nocolon", 1, create("/zz", entries=((31, "digest", "foo"),))),
    ("acl digest a:b:c", 1, create("/zz", entries=((31, "digest", "a:b:c"),))),
    ("acl digest a:", 1, create("/zz", entries=((31, "digest", "a:"),))),
    ("acl digest :b", 1, create("/zz1", entries=((31, "digest", ":b"),))),
    ("acl digest a:b:", 1, create("/zz2", entries=((31, "digest", "a:b:"),))),
    ("acl ip", 1, create("/zz3", entries=((31, "ip", "127.0.0.1"),))),
    ("acl ip/8", 1, create("/zz4", entries=((31, "ip", "127.0.0.1/8"),))),
    ("acl ip/33", 1, create("/zz5", entries=((31, "ip", "127.0.0.1/33"),))),
    ("acl ip/", 1, create("/zz5", entries=((31, "ip", "127.0.0.1/"),))),
    ("acl ip6", 1, create("/zz5", entries=((31, "ip", "::1"),))),
    ("acl auth none", 1, create("/zz6", entries=((31, "auth", ""),))),
    ("acl sasl", 1, create("/zz7", entries=((31, "sasl", "x"),))),
    ("acl x509", 1, create("/zz8", entries=((31, "x509", "x"),))),
    ("acl perms 0", 1, create("/zz9", entries=((0, "world", "anyone"),))),
    ("acl perms 99", 1, create("/zz10", entries=((99, "world", "anyone"),))),
    ("get null", 4, string(None) + boolean(1)),
    ("get empty", 4, string("") + boolean(1)),
    ("get bad", 4, string("//") + boolean(1)),
    ("get trunc", 4, string("/p")),
    ("get garbage after", 4, string("/p") + boolean(0) + b"xxxx"),
    ("exists null", 3, string(None) + boolean(1)),
    ("exists empty", 3, string("") + boolean(0)),
    ("exists nul", 3, string("/\0") + boolean(0)),
    ("children null", 8, string(None) + boolean(1)),
    ("set null", 5, string(None) + buffer(b"") + integer(-1)),
    ("set bad", 5, string("/a//b") + buffer(b"") + integer(-1)),
    ("set root", 5, string("/") + buffer(b"r") + integer(-1)),
    ("set nonode", 5, string("/nono") + buffer(b"") + integer(-1)),
    ("set badver", 5, string("/p") + buffer(b"") + integer(9)),
    ("set -2", 5, string("/p") + buffer(b"") + integer(-2)),
    ("set trunc", 5, string("/p")),
    ("set zookeeper", 5, string("/zookeeper") + buffer(b"z") + integer(-1)),
    ("set config", 5, string("/zookeeper/config") + buffer(b"z") + integer(-1)),
    ("delete null", 2, string(None) + integer(-1)),
    ("delete root", 2, string("/") + integer(-1)),
    ("delete empty", 2, string("") + integer(-1)),
    ("delete zk", 2, string("/zookeeper") + integer(-1)),
    ("delete quota", 2, string("/zookeeper/quota") + integer(-1)),
    ("delete config", 2, string("/zookeeper/config") + integer(-1)),
    ("delete bad", 2, string("/a//b") + integer(-1)),
    ("delete noslash", 2, string("abc") + integer(-1)),
    ("delete trailing", 2, string("/p/") + integer(-1)),
    ("setacl null", 7, string(None) + acl() + integer(-1)),
    ("setacl nonode", 7, string("/nono") + acl() + integer(-1)),
    ("setacl badacl", 7, string("/nono") + acl(()) + integer(-1)),
    ("setacl ok", 7, string("/p") + acl() + integer(-1)),
    ("setacl badver", 7, string("/p") + acl() + integer(7)),
    ("getacl", 6, string("/p")),
    ("getacl null", 6, string(None)),
    ("getacl nonode", 6, string("/nono")),
    ("getacl root", 6, string("/")),
    ("getacl config", 6, string("/zookeeper/config")),
    ("get config", 4, string("/zookeeper/config") + boolean(0)),
    ("sync", 9, string("/p")),
    ("sync null", 9, string(None)),
    ("sync trunc", 9, b""),
    ("sync bad", 9, string("nonsense")),
    ("addwatch 0", 106, string("/w") + integer(0)),
    ("addwatch 2", 106, string("/w") + integer(2)),
    ("addwatch null", 106, string(None) + integer(0)),
    ("addwatch trunc", 106, string("/w")),
    ("checkwatches none", 17, string("/w") + integer(3)),
    ("checkwatches 7", 17, string("/w") + integer(7)),
    ("removewatches none", 18, string("/w") + integer(3)),
    ("removewatches 0", 18, string("/w") + integer(0)),
    ("removewatch null", 18, string(None) + integer(3)),
    ("getephemerals", 103, string("/")),
    ("getephemerals null", 103, string(None)),
    ("getephemerals sp", 103, string("  ")),
    ("geteph trunc", 103, b""),
    ("getallchildren none", 104, string("/nono")),
    ("whoami", 107, b""),
    ("setwatches", 101, long(0) + strings(["/p", "/nono"]) + strings(["/p", "/nono"]) + strings(["/p", "/nono"])),
    ("setwatches neg", 101, long(0) + integer(-1) + integer(-1) + integer(-1)),
    ("setwatches trunc", 101, long(0) + strings(["/p", "/nono"])),
    ("setwatches2", 105, long(0) + strings(["/p"]) + strings([]) + strings([]) + strings(["/x"]) + strings(["/y"])),
    ("setwatches2 trunc", 105, long(0) + strings(["/p"]) + strings([]) + strings([]) + strings(["/x"])),
    ("multi empty", 14, multi([])),
    ("multi nothing", 14, b""),
    ("multi badop", 14, multi([(4, b"")])),
    ("multi reads", 14, multi([(4, string("/p") + boolean(0))])),
    ("multi mixed", 14, multi([(4, string("/p") + boolean(0)), (2, string("/p") + integer(-1))])),
    ("multi create2", 14, multi([(15, create("/m1"))])),
    ("multi container", 14, multi([(19, create("/m2", flags=4))])),
    ("multi container0", 14, multi([(19, create("/m3", flags=0))])),
    ("multi c flags4", 14, multi([(1, create("/m4", flags=4))])),
    ("multi ttl", 14, multi([(21, create("/m5", flags=5) + long(1000000))])),
    ("multi ttl f0", 14, multi([(21, create("/m6", flags=0) + long(1000000))])),
    ("multi create f5", 14, multi([(1, create("/m7", flags=5))])),
    ("multi flags 9", 14, multi([(1, create("/m8", flags=9))])),
    ("multi ttl bad", 14, multi([(21, create("/m5", flags=5) + long(0))])),
    (
        "multi fail",
        14,
        multi([(1, create("/m9")), (2, string("/nono") + integer(-1)), (13, string("/p") + integer(0))]),
    ),
    (
        "multi ok",
        14,
        multi(
            [
                (1, create("/m10")),
                (5, string("/m10") + buffer(b"x") + integer(0)),
                (13, string("/m10") + integer(1)),
                (2, string("/m10") + integer(1)),
            ]
        ),
    ),
    ("multi trunc", 14, integer(1) + boolean(0) + integer(-1) + string("/q")),
    ("multi emptypath del", 14, multi([(2, string("") + integer(-1))])),
    ("multi bad path create", 14, multi([(1, create("xx"))])),
    (
        "multiread",
        22,
        multi([(4, string("/p") + boolean(0)), (8, string("/p") + boolean(0)), (4, string("/nono") + boolean(0))]),
    ),
    ("multiread empty", 22, multi([])),
    ("auth digest", 100, integer(0) + string("digest") + buffer(b"a:b")),
    ("auth digest nocolon", 100, integer(0) + string("digest") + buffer(b"ab")),
    ("auth digest null", 100, integer(0) + string("digest") + buffer(None)),
    ("auth digest empty", 100, integer(0) + string("digest") + buffer(b"")),
    ("auth ip", 100, integer(0) + string("ip") + buffer(b"")),
    ("auth foo", 100, integer(0) + string("foo") + buffer(b"")),
    ("auth null", 100, integer(0) + string(None) + buffer(b"")),
    ("auth trunc", 100, integer(0)),
    ("auth world", 100, integer(0) + string("world") + buffer(b"")),
    ("op 0", 0, b""),
    ("op 10", 10, b""),
    ("reconfig ok", 16, string("") + string("") + string("") + long(-1)),
    ("op 99", 99, b""),
    ("op -1", -1, b""),
    ("op 108", 108, b""),
    ("closesession", -11, b""),
]


@pytest.fixture(scope="module")
def servers() -> Iterator[list[str]]:
    with RealZooKeeper() as real, ZooKeeperServer() as ours:
        yield [real.hosts, ours.hosts]


@pytest.mark.parametrize(("kind", "body"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_answered_as_zookeeper_does(servers: list[str], kind: int, body: bytes) -> None:
    """The same error, zxid, events, as long a body, and the same fate of the connection."""
    real, ours = (_answer(hosts, kind, body) for hosts in servers)

    assert ours == real


def _answer(hosts: str, kind: int, body: bytes) -> object:
    with Wire(hosts) as wire:
        wire.connect()
        wire.ask(1, create("/p"))
        before = wire.ask(4, string("/p") + boolean(False)).zxid
        try:
            reply = wire.ask(kind, body)
            if kind == -11 or reply.error in {-6, -115}:
                assert wire.is_closed()
            else:
                wire.ping()
                wire.ask(-11)
        except ClosedError:
            return "closed"
        zxid = reply.zxid - before if reply.zxid > 0 else reply.zxid
        # Stats hold times and zxids, which the differential test looks into
        return reply.error, zxid, reply.body if len(reply.body) < 60 else len(reply.body), wire.events
