"""Sessions of the clients that people use: the Java client and its shell, the C client, kazoo."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from autohealer.zkserver import ZooKeeperServer
from tests.support.real_zookeeper import CLASS_PATH, available
from tests.zkserver.wire import Event, Wire, boolean, create, string

JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"]
C_CLIENT = "/usr/lib/zookeeper/bin/cli_mt"
PATIENCE_S = 20


class Conversation:
    """A process that is spoken to, and listened to until it has said what it should."""

    def __init__(self, command: list[str], directory: Path) -> None:
        self.said = ""
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def say(self, line: str, *answers: str) -> None:
        """Say a line, and wait until all of the answers have come since."""
        start = len(self.said)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
        self.expect(*answers, since=start)

    def expect(self, *answers: str, since: int = 0) -> None:
        with self._news:
            heard = self._news.wait_for(lambda: all(answer in self.said[since:] for answer in answers), PATIENCE_S)
        assert heard, f"{answers} expected, heard:\n{self.said[since:]}"

    def freeze(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 1 << 16):
            with self._news:
                self.said += data.decode(errors="replace")
                self._news.notify_all()


@pytest.fixture
def converse(tmp_path: Path) -> Iterator[Callable[..., Conversation]]:
    """Starts processes to talk to; what is left of them ends with the test."""
    if reason := available():
        pytest.fail(reason)
    conversations: list[Conversation] = []

    def start(*command: str) -> Conversation:
        conversations.append(Conversation(list(command), tmp_path))
        return conversations[-1]

    yield start
    for conversation in conversations:
        conversation.end()


def wait_until_gone(hosts: str, path: str) -> None:
    """By a watch of a client of bare bytes."""
    with Wire(hosts) as wire:
        wire.connect()
        if wire.ask(3, string(path) + boolean(True)).error == 0:
            wire.socket.settimeout(PATIENCE_S)
            assert wire.receive() == Event(2, path)
        wire.ask(-11)


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A server that can be stopped and started again."""
    with ZooKeeperServer(data_dir=tmp_path / "zookeeper") as server:
        yield server


def test_java_client(lasting: ZooKeeperServer, converse: Callable[..., Conversation], tmp_path: Path) -> None:
    """Nodes, watches, multis, auth; its session and watches outlive the server, and it hears that they expired."""
    source = Path(__file__).with_name("JavaSession.java")
    subprocess.run(["javac", "-cp", CLASS_PATH, "-d", tmp_path, source], check=True, capture_output=True)
    java = converse(*JAVA, f"{CLASS_PATH}:{tmp_path}", "JavaSession", lasting.hosts)

    java.expect("ready\n")
    for line in (
        "event SyncConnected NodeCreated /java\n",
        "created /java/s-0000000000\n",
        "event SyncConnected NodeCreated /java/s-0000000000\n",
        "data data 1\n",
        "event SyncConnected NodeDeleted /java/multi\n",
        "multi 4\n",
        "failed NONODE\n",
        "reads 2\n",
        "ephemerals 1 1\n",
        "identities 2\n",
    ):
        assert line in java.said
    assert "never" not in java.said

    lasting.stop()
    java.expect("event Disconnected None null\n")
    start = len(java.said)
    lasting.start()
    java.expect("event SyncConnected None null\n", since=start)
    with Wire(lasting.hosts) as wire:
        wire.connect()
        while "event SyncConnected NodeCreated /java/after-" not in java.said:
            # it sets its watches again just after it has said that it is connected
            wire.ask(1, create("/java/after-", flags=2))

    java.freeze()
    wait_until_gone(lasting.hosts, "/java/s-0000000000")
    java.thaw()
    java.expect("event Expired None null\n")


def test_java_shell(zookeeper: ZooKeeperServer, converse: Callable[..., Conversation]) -> None:
    """What one types into zkCli.sh."""
    shell = converse(
        *JAVA, f"{CLASS_PATH}:/usr/share/java/commons-cli.jar", "org.apache.zookeeper.ZooKeeperMain",
        "-server", zookeeper.hosts,
    )  # fmt: skip
    shell.say("create /zk hello", "Created /zk")
    shell.say("get -w /zk", "hello")
    shell.say("set /zk world", "NodeDataChanged path:/zk")
    shell.say("stat /zk", "dataVersion = 1", "numChildren = 0")
    shell.say("create -s -e /zk/s- x", "Created /zk/s-0000000000")
    shell.say("ls -R /zk", "/zk/s-0000000000")
    shell.say("create -t 60000 /ttl x", "Created /ttl")
    shell.say("addauth digest ann:secret")
    shell.say("setAcl /zk auth::cdrwa")
    shell.say("getAcl /zk", "'digest,'ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=")
    shell.say("addWatch /zk")
    shell.say("create /zk/deep x", "NodeCreated path:/zk/deep")
    shell.say("removewatches /zk", "PersistentWatchRemoved")
    shell.say("setquota -n 5 /zk", "")
    shell.say("listquota /zk", "count=5")
    shell.say("getEphemerals", "/zk/s-0000000000")
    shell.say("deleteall /zk")
    shell.say("ls /", "[ttl, zookeeper]")
    shell.say("quit", "state:Closed")


@pytest.mark.skipif(not Path(C_CLIENT).exists(), reason="the C client is not here: apt-get install zookeeper-bin")
def test_c_client(zookeeper: ZooKeeperServer, converse: Callable[..., Conversation], tmp_path: Path) -> None:
    """Its shell: nodes, watches, auth; and when its session was ended behind its back, it hears so."""
    identity = tmp_path / "identity"
    shell = converse(C_CLIENT, zookeeper.hosts, str(identity))
    shell.expect("CONNECTED_STATE")
    shell.say("create /c", "name = /c")
    shell.say("create2 +e /c/e", "name = /c/e")
    shell.say("wexists /w", "Error -101 for /w")
    shell.say("create /w", "CREATED_EVENT", "name = /w")
    shell.say("set /c hi", "version=1")
    shell.say("get /c", "hi\n", "value_len = 2")
    shell.say("ls2 /", "zookeeper", "version=0", "ephemeralOwner = 0\n")
    shell.say("addauth digest ann:secret")
    shell.say("sync /c", "[/c]: rc = 0")
    shell.say("delete /w", "/w: rc = 0")

    # its timeout is 30 s: instead of waiting for that, close the session as its owner could
    session_id, password = struct.unpack("=q16s", identity.read_bytes())
    with Wire(zookeeper.hosts, session_id=session_id, password=password) as thief:
        thief.connect_and_close()
    wait_until_gone(zookeeper.hosts, "/c/e")
    shell.expect("EXPIRED_SESSION_STATE")


def test_kazoo(zookeeper: ZooKeeperServer) -> None:
    """What the readme shows; kazoo's own tests do the rest."""
    client = KazooClient(hosts=zookeeper.hosts)
    client.start()
    changed = threading.Event()
    client.create("/kazoo", b"1")
    client.get("/kazoo", watch=lambda _event: changed.set())

    client.set("/kazoo", b"2")

    assert changed.wait(PATIENCE_S)
    client.stop()
    client.close()
