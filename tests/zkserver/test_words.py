"""The four-letter words, asked of a real ZooKeeper and of ours after the same requests."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from autohealer.zkserver import ZooKeeperServer
from autohealer.zkserver.four_letter import WORDS
from tests.support.processes import eventually
from tests.support.real_zookeeper import RealZooKeeper
from tests.zkserver.wire import Wire, acl, boolean, buffer, create, integer, long, multi, session, string, strings

#: Values of `mntr` that follow from what was asked, and from nothing else.
CERTAIN = {
    "zk_server_state",
    "zk_outstanding_requests",
    "zk_znode_count",
    "zk_watch_count",
    "zk_ephemerals_count",
    "zk_approximate_data_size",
    "zk_global_sessions",
    "zk_local_sessions",
    "zk_packets_received",
    "zk_packets_sent",
    "zk_connection_rejected",
}

#: Requests of every kind, and what `cons` calls each of them must be the same.
PATH = string("/a")
REQUESTS = [
    (1, create("/a", b"data")),
    (1, create("/a")),  # it fails
    (15, create("/b")),
    (1, create("/e", flags=1)),
    (3, PATH + boolean(True)),
    (3, string("/absent") + boolean(True)),
    (4, PATH + boolean(False)),
    (4, string("/absent") + boolean(False)),
    (4, b"\0\0"),
    (5, PATH + buffer(b"") + integer(-1)),
    (5, PATH + buffer(b"") + integer(77)),
    (6, PATH),
    (7, PATH + acl() + integer(-1)),
    (8, PATH + boolean(True)),
    (9, PATH),
    (12, string("/") + boolean(False)),
    (14, multi([])),
    (14, multi([(2, string("/absent") + integer(-1))])),
    (16, string(None) * 3 + long(-1)),
    (17, PATH + integer(3)),
    (18, PATH + integer(1)),
    (19, create("/container", flags=4)),
    (21, create("/ttl", flags=5) + long(1 << 30)),
    (22, multi([])),
    (100, integer(0) + string("digest") + buffer(b"ann:secret")),
    (101, long(0) + strings([]) * 3),
    (103, string("/")),
    (104, PATH),
    (105, long(0) + strings([]) * 5),
    (106, PATH + integer(1)),
    (107, b""),
    (2, string("/b") + integer(-1)),
]


def word(hosts: str, asked: str) -> str:
    host, _, port = hosts.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(asked.encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


class Pair:
    """Both servers, each with a client that has asked the same."""

    def __init__(self, theirs: Wire, own: Wire) -> None:
        self.clients = theirs, own

    def words(self, asked: str) -> tuple[list[str], list[str]]:
        """What both say, line by line, with what is their own affair taken out; their order is nobody's."""
        theirs, own = (sorted(self._normal(client, word(client.hosts, asked))) for client in self.clients)
        return theirs, own

    def assert_alike(self, asked: str, what: object = "") -> None:
        """Both say the same, soon: the connections that asked before may not be gone yet."""
        said: list[tuple[list[str], list[str]]] = []

        def alike() -> bool:
            said.append(self.words(asked))
            return said[-1][0] == said[-1][1]

        try:
            eventually(alike, timeout=5)
        except AssertionError:
            theirs, own = said[-1]
            assert own == theirs, what

    @staticmethod
    def _normal(client: Wire, text: str) -> list[str]:
        text = text.replace(f"0x{client.session_id:x}", "SESSION")
        text = re.sub(r"/127\.0\.0\.1:\d+", "ADDRESS", text)
        text = re.sub(r"\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \S+ \d{4}", "DATE", text)
        text = re.sub(r"(llat|minlat|avglat|maxlat|lresp)=\d+", r"\1=TIME", text)
        text = re.sub(r"est=\d{13},", "est=MS,", text)
        text = re.sub(r"zxid[:=] ?0x[0-9a-f]+", "ZXID", text, flags=re.IGNORECASE)
        text = re.sub(r"min/avg/max: \d+/\d+\.\d{1,4}/\d+", "min/avg/max: TIMES", text)
        text = re.sub(r"_size: \d+", "_size: BYTES", text)
        text = re.sub(r"version: 3\.8\.0.*", "version: 3.8.0", text)
        # the real one keeps sets of which all have moved to another
        text = re.sub(r"Sets \(\d+\)", "Sets (N)", text)
        return [line for line in text.splitlines() if not line.startswith("0 expire at")]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with (
        RealZooKeeper() as real,
        ZooKeeperServer() as server,
        session(real.hosts, timeout_ms=30_000) as theirs,
        session(server.hosts, timeout_ms=30_000) as own,
    ):
        # the real one was asked whether it is there already
        word(real.hosts, "srst")
        word(server.hosts, "srst")
        yield Pair(theirs, own)


@pytest.mark.timeout(120)
class TestWords:
    """Line by line."""

    def test_last_operation_is_named_alike(self, pair: Pair) -> None:
        """After each kind of request, of those that fail as well."""
        for kind, body in REQUESTS:
            for client in pair.clients:
                client.ask(kind, body)
            pair.assert_alike("cons", (kind, body))
        for client in pair.clients:
            client.ping()
        pair.assert_alike("cons")

    @pytest.mark.parametrize("asked", ["ruok", "isro", "srvr", "stat", "cons", "dump", "dirs", "wchs", "wchc", "wchp"])
    def test_same_lines(self, pair: Pair, asked: str) -> None:
        """With a session, watches of every kind and an ephemeral node to tell of."""
        pair.assert_alike(asked)

    def test_mntr_has_the_same_names_and_values(self, pair: Pair) -> None:
        """Ours says less, and nothing else."""
        theirs, own = (dict(line.split("\t", 1) for line in lines) for lines in pair.words("mntr"))

        assert not set(own) - set(theirs)
        for name in sorted(CERTAIN):
            assert (name, own[name]) == (name, theirs[name])
        assert {"zk_max_file_descriptor_count", "zk_open_file_descriptor_count"} <= set(own)
        assert all(re.fullmatch(r"\d+(\.\d{1,4})?", own[name]) for name in own if "latency" in name)

    def test_conf_has_the_same_names(self, pair: Pair) -> None:
        """And the same limits of timeouts: the real one was started with ours."""
        theirs, own = (dict(line.split("=", 1) for line in lines) for lines in pair.words("conf"))

        assert set(own) == set(theirs)
        for name in ("minSessionTimeout", "maxSessionTimeout", "maxClientCnxns", "secureClientPort", "serverId"):
            assert own[name] == theirs[name]

    @pytest.mark.parametrize("asked", ["crst", "srst"])
    def test_reset(self, pair: Pair, asked: str) -> None:
        """What is counted begins again, and what was last is forgotten."""
        pair.assert_alike(asked)
        pair.assert_alike("cons")

    def test_every_word_is_asked(self) -> None:
        """A new one has to be compared, too; `envi` tells of Java there and of Python here."""
        compared = {"ruok", "isro", "srvr", "stat", "cons", "dump", "dirs", "wchs", "wchc", "wchp", "mntr", "conf"}

        assert {word.decode() for word in WORDS} == compared | {"crst", "srst", "envi"}
